//! What can be fitted to prices: a family and its orders.

use std::fmt;

use arima::{Arima, AutoArima, FittedArima, Order};
use augurs_core::Fit;
use serde::{Deserialize, Serialize};

use crate::{Error, Level};

/// A model to fit to prices. Every family works on the logarithm of the adjusted close: returns are relative, a forecast
/// stays positive, and a rebased history (all prices times one factor) gives the same model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Specification {
    /// An ARIMA model.
    Arima {
        /// Its orders and constant.
        model: Arima,
    },
    /// The baseline: tomorrow as today, or with the average growth so far.
    RandomWalk {
        /// With the average growth.
        drift: bool,
    },
}

impl Specification {
    /// The baselines that compete in every contest.
    pub const BASELINES: [Specification; 2] =
        [Specification::RandomWalk { drift: false }, Specification::RandomWalk { drift: true }];

    /// An ARIMA model under its proper name: ARIMA(0,1,0) is the random walk.
    pub fn arima(model: Arima) -> Self {
        let walk = Arima::new(Order { p: 0, d: 1, q: 0 });
        if model == walk {
            Specification::RandomWalk { drift: false }
        } else if model == walk.with_drift() {
            Specification::RandomWalk { drift: true }
        } else {
            Specification::Arima { model }
        }
    }

    /// Selects an ARIMA model for these prices.
    pub fn select(prices: &[f64]) -> Result<Self, Error> {
        let fitted = AutoArima::default()
            .fit(&logarithms(prices))
            .map_err(|source| Error::Model { model: "automatic ARIMA".to_owned(), source })?;
        Ok(Specification::arima(*fitted.model()))
    }

    /// Whether it is one of the baselines: it claims no skill.
    pub fn is_baseline(&self) -> bool {
        matches!(self, Specification::RandomWalk { .. })
    }

    fn model(&self) -> Arima {
        match *self {
            Specification::Arima { model } => model,
            Specification::RandomWalk { drift } => {
                let walk = Arima::new(Order { p: 0, d: 1, q: 0 });
                if drift { walk.with_drift() } else { walk }
            }
        }
    }

    /// Fits it to these prices, all positive.
    pub fn fit(&self, prices: &[f64]) -> Result<PriceModel, Error> {
        self.fitted(self.model().fit(&logarithms(prices)))
    }

    /// Fits it from the coefficients of a former fit.
    pub(crate) fn fit_from(&self, prices: &[f64], former: &PriceModel) -> Result<PriceModel, Error> {
        self.fitted(self.model().fit_from(&logarithms(prices), former.fitted.coefficients()))
    }

    fn fitted(&self, fitted: Result<FittedArima, arima::Error>) -> Result<PriceModel, Error> {
        let fitted = fitted.map_err(|source| Error::Model { model: self.to_string(), source })?;
        Ok(PriceModel { specification: *self, fitted })
    }
}

impl fmt::Display for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Specification::Arima { model } => f.pad(&model.to_string()),
            Specification::RandomWalk { drift: false } => f.pad("random walk"),
            Specification::RandomWalk { drift: true } => f.pad("random walk with drift"),
        }
    }
}

/// A model fitted to prices. It lives in the basis of the prices it was fitted on: prices of another basis are converted
/// before it takes them in, its forecasts afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceModel {
    specification: Specification,
    fitted: FittedArima,
}

impl PriceModel {
    /// What was fitted.
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// The estimate on log prices.
    pub fn fitted(&self) -> &FittedArima {
        &self.fitted
    }

    /// Takes in further prices without estimating again.
    pub fn advance(&mut self, prices: &[f64]) -> Result<(), Error> {
        self.fitted.advance(&logarithms(prices)).map_err(|source| self.error(source))
    }

    /// Forecasts the next sessions' prices.
    pub fn forecast(&self, horizon: usize) -> Result<PriceForecast, Error> {
        let log = self.fitted.forecast(horizon).map_err(|source| self.error(source))?;
        Ok(PriceForecast { log, factor: 1.0 })
    }

    fn error(&self, source: arima::Error) -> Error {
        Error::Model { model: self.specification.to_string(), source }
    }
}

/// Forecast distributions of the next sessions' prices: log-normal, one a session.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceForecast {
    log: arima::Forecast,
    factor: f64,
}

impl PriceForecast {
    /// In a basis whose prices are this many times the present one's.
    #[must_use]
    pub fn rebased(self, factor: f64) -> Self {
        PriceForecast { factor: self.factor * factor, ..self }
    }

    /// The central forecasts: exp of the mean log price, which is the median of the price.
    pub fn central(&self) -> Vec<f64> {
        self.price(&self.log.mean)
    }

    /// Lower and upper ends of the central intervals of this level.
    pub fn interval(&self, level: Level) -> (Vec<f64>, Vec<f64>) {
        let interval = self.log.interval(level.probability()).expect("a level lies strictly between 0 and 100 %");
        (self.price(&interval.lower), self.price(&interval.upper))
    }

    fn price(&self, log: &[f64]) -> Vec<f64> {
        log.iter().map(|x| x.exp() * self.factor).collect()
    }
}

fn logarithms(prices: &[f64]) -> Vec<f64> {
    prices.iter().map(|price| price.ln()).collect()
}
