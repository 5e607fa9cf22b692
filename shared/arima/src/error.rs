use crate::Arima;

/// Why a series or a model was refused. Every variant is a property of the input: trying again changes nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the series is infinite.
    #[error("value {index} of the series is {value}, not a finite number")]
    NotFinite {
        /// Position in the series, from 0.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// Too few observations are left after differencing to estimate the model's parameters.
    #[error("{model} needs at least {needed} observations, the series has {got}")]
    TooShort {
        /// The model asked for.
        model: Arima,
        /// Observations needed.
        needed: usize,
        /// Observations given.
        got: usize,
    },
    /// The series is constant after differencing: there is nothing for AR or MA terms to explain.
    #[error("the series does not vary after differencing, so {model} has no AR or MA coefficients to estimate")]
    NoVariation {
        /// The model asked for.
        model: Arima,
    },
    /// The estimates lie so close to the edge of the stationary region that 64-bit arithmetic loses the state.
    #[error("{model} is hardly stationary on this series: its forecasts cannot be computed")]
    Unstable {
        /// The model asked for.
        model: Arima,
    },
    /// Values are missing that differencing cannot do without, such as every value of one step of the season.
    #[error("too many values are missing for {model}: differencing needs a value of every step of the season")]
    Undetermined {
        /// The model asked for.
        model: Arima,
    },
    /// The values span a range that 64-bit arithmetic cannot square.
    #[error("the series' values are too large or too small to square: scale the series first")]
    TooLarge,
    /// A mean or a drift vanishes under this differencing.
    #[error("{model}: {term} is not identified, because differencing removes it")]
    ConstantNotIdentified {
        /// The model asked for.
        model: Arima,
        /// `"mean"` or `"drift"`.
        term: &'static str,
    },
    /// An order outside what is supported.
    #[error("{what}")]
    Order {
        /// Which order, and its bound.
        what: String,
    },
    /// Coefficients that do not belong to the model, or an autoregression that is not stationary.
    #[error("coefficients: {what}")]
    Coefficients {
        /// What is wrong with them.
        what: String,
    },
    /// A horizon of 0 or beyond the bound.
    #[error("horizon {got} is outside 1..={max}")]
    Horizon {
        /// The horizon asked for.
        got: usize,
        /// The largest horizon.
        max: usize,
    },
    /// A test of residuals on so many lags, which there are not, or which leave it no degree of freedom.
    #[error("a Ljung-Box test of these residuals takes {least} to {most} lags, not {got}")]
    Lags {
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
        /// The lags asked for.
        got: usize,
    },
    /// Degrees of freedom that no distribution of Student's has.
    #[error("{got} degrees of freedom: they must be above 0, and infinite for normal intervals")]
    DegreesOfFreedom {
        /// What was given.
        got: f64,
    },
    /// A level that is no probability strictly between 0 and 1.
    #[error("level {got} is not strictly between 0 and 1")]
    Level {
        /// The level asked for.
        got: f64,
    },
    /// A transform that does not exist, or that cannot take a value.
    #[error("transform: {what}")]
    Transform {
        /// What is wrong.
        what: String,
    },
    /// A stored model of another format, or one that contradicts itself.
    #[error("stored model: {what}")]
    Stored {
        /// What could not be read.
        what: String,
    },
    /// Columns to regress on that are not as long as the series, or not finite.
    #[error("columns: {what}")]
    Columns {
        /// What is wrong with them.
        what: String,
    },
    /// What looks back needs the training series, which a model carries neither through storage nor past new observations.
    #[error("the model no longer holds its training series: fit it again")]
    NoTrainingSeries,
}

impl augurs::ModelError for Error {}
