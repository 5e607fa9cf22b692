//! Model families: one file each, and one line in the list at the end. All work on the logarithm of the adjusted close:
//! returns are relative, a forecast stays positive, and a rebased history (all prices times one factor) gives the same model.

use std::fmt;

use ::arima::Forecast;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Bar, Error, Kind, Outlook, Period, PriceForecast, PriceSeries, Sample, Seasons};

/// What a family's file provides: one of its members, with its orders and nothing estimated.
pub(crate) trait Member: Copy + fmt::Display {
    /// What is estimated.
    type State: State;

    /// Picks the member for a series of these seasons. A member that is another family's by
    /// its proper name is given under that name.
    fn select(y: &[f64], season: Seasons, kind: Kind) -> Result<Specification, String>;

    /// Estimates it, from these values alone: the same values give the same bytes.
    fn fit(&self, y: &[f64]) -> Result<Self::State, String>;

    /// Picks the member of a family that regresses.
    fn select_with(sample: &Sample, season: Seasons, kind: Kind) -> Result<Specification, String> {
        Self::select(&sample.values, season, kind)
    }

    /// Estimates a member that regresses.
    fn fit_with(&self, sample: &Sample) -> Result<Self::State, String> {
        self.fit(&sample.values)
    }
}

/// A fitted member: all that a forecast needs, and nothing of the series but that.
pub(crate) trait State: Clone + PartialEq + Serialize + for<'de> Deserialize<'de> {
    /// Takes in further values without estimating again.
    fn advance(&mut self, new: &[f64]) -> Result<(), String>;

    /// Means and standard errors of the next values.
    fn forecast(&self, horizon: usize) -> Result<Forecast, String>;

    /// What was estimated, for people.
    fn summary(&self) -> Summary;

    /// Takes in what a member regresses on as well.
    fn advance_with(&mut self, new: &Sample) -> Result<(), String> {
        self.advance(&new.values)
    }

    /// Means and standard errors where what a member regresses on will be so, as far as it is known.
    fn forecast_with(&self, horizon: usize, _ahead: &[Vec<f64>]) -> Result<Forecast, String> {
        self.forecast(horizon)
    }
}

/// A fitted model in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Coefficients on log prices, by name.
    pub coefficients: Vec<(String, f64)>,
    /// Variance of the one-step errors of log prices; `None` where a combination has no single one.
    pub sigma2: Option<f64>,
    /// Observations behind the estimates.
    pub observations: usize,
    /// Akaike's criterion, corrected; `None` where the fit is exact or has no likelihood.
    pub aicc: Option<f64>,
}

pub use program::ProgramName;

mod deseason;
mod simplex;

macro_rules! families {
    ($($(#[$doc:meta])+ $module:ident::$Member:ident),+ $(,)?) => {
        $(mod $module; pub use $module::$Member;)+

        /// A family of models, as the configuration names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Family { $($(#[$doc])+ $Member),+ }

        /// A model to fit to prices.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(tag = "family", rename_all = "snake_case")]
        pub enum Specification { $($(#[$doc])+ $Member($Member)),+ }

        /// What was estimated.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        enum Fitted { $($Member(Box<<$Member as Member>::State>)),+ }

        impl Family {
            /// All that there are.
            pub const ALL: &[Family] = &[$(Family::$Member),+];

            fn select_on(self, sample: &Sample, season: Seasons, kind: Kind) -> Result<Specification, String> {
                match self { $(Family::$Member => <$Member as Member>::select_with(sample, season, kind)),+ }
            }
        }

        impl Specification {
            /// The family it belongs to.
            pub fn family(&self) -> Family {
                match self { $(Specification::$Member(_) => Family::$Member),+ }
            }

            fn fit_on(&self, sample: &Sample) -> Result<Fitted, String> {
                match self { $(Specification::$Member(member) => {
                    member.fit_with(sample).map(|state| Fitted::$Member(Box::new(state)))
                }),+ }
            }

            fn read(&self, fitted: serde_json::Value) -> Result<Fitted, serde_json::Error> {
                match self { $(Specification::$Member(_) => serde_json::from_value(fitted).map(Fitted::$Member)),+ }
            }
        }

        impl fmt::Display for Specification {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Specification::$Member(member) => f.pad(&member.to_string())),+ }
            }
        }

        impl Fitted {
            fn advance(&mut self, new: &Sample) -> Result<(), String> {
                match self { $(Fitted::$Member(state) => State::advance_with(&mut **state, new)),+ }
            }

            fn forecast(&self, horizon: usize, ahead: &[Vec<f64>]) -> Result<Forecast, String> {
                match self { $(Fitted::$Member(state) => State::forecast_with(&**state, horizon, ahead)),+ }
            }

            fn summary(&self) -> Summary {
                match self { $(Fitted::$Member(state) => State::summary(&**state)),+ }
            }
        }
    };
}

impl Specification {
    /// The baselines, which are in every record.
    pub const BASELINES: [Specification; 2] =
        [Specification::RandomWalk(RandomWalk { drift: false }), Specification::RandomWalk(RandomWalk { drift: true })];

    /// Whether it is one of the baselines: it claims no skill.
    pub fn is_baseline(&self) -> bool {
        Self::BASELINES.contains(self)
    }

    /// What fits it. ARIMA's engine has its own version, and only one and the same gives the same bytes; what is not an ARIMA
    /// model depends on these rules as well.
    pub fn engine(&self) -> String {
        match self {
            Specification::Arima(_) | Specification::RandomWalk(_) | Specification::SeasonalRandomWalk(_) => {
                ::arima::ENGINE.to_owned()
            }
            _ => crate::rules(),
        }
    }

    /// Selects a family's member for these prices.
    ///
    /// # Errors
    /// [`Error::Model`] where the family has none for them.
    pub fn select(family: Family, prices: &Sample, kind: Kind, season: Seasons) -> Result<Self, Error> {
        let model = || format!("the selection of {family}");
        family.select_on(&levels(prices, kind), season, kind).map_err(|reason| Error::Model { model: model(), reason })
    }

    /// Fits it to these prices, all positive. It starts from nothing but them, so that they give the same bytes each time.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be estimated on them.
    pub fn fit(&self, prices: &Sample, kind: Kind) -> Result<PriceModel, Error> {
        let fitted =
            self.fit_on(&levels(prices, kind)).map_err(|reason| Error::Model { model: self.to_string(), reason })?;
        Ok(PriceModel { specification: *self, kind, fitted })
    }
}

/// The numbers that models work on.
fn levels(prices: &Sample, kind: Kind) -> Sample {
    Sample { values: kind.levels(&prices.values), regressors: prices.regressors.clone() }
}

/// As the configuration writes it.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A model fitted to prices. It lives in the basis of the prices it was fitted on: prices of another basis are converted
/// before it takes them in, its forecasts afterwards.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceModel {
    specification: Specification,
    #[serde(skip_serializing_if = "Kind::is_price")]
    kind: Kind,
    fitted: Fitted,
}

/// The specification says how the rest is to be read.
impl<'de> Deserialize<'de> for PriceModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Stored {
            specification: Specification,
            #[serde(default)]
            kind: Kind,
            fitted: serde_json::Value,
        }
        let Stored { specification, kind, fitted } = Stored::deserialize(deserializer)?;
        let fitted = specification.read(fitted).map_err(D::Error::custom)?;
        Ok(PriceModel { specification, kind, fitted })
    }
}

impl PriceModel {
    /// What a program has fitted on so many values.
    pub fn of_program(program: ProgramName, model: String, kind: Kind, observations: usize) -> PriceModel {
        let fitted = Fitted::Program(Box::new(program::ProgramModel { model, observations }));
        PriceModel { specification: Specification::Program(Program { program }), kind, fitted }
    }

    /// What a program has fitted, as it wrote it; `None` of a model of ours.
    pub fn program_model(&self) -> Option<&str> {
        if let Fitted::Program(fitted) = &self.fitted { Some(&fitted.model) } else { None }
    }

    /// What was fitted.
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// What the numbers are that it was fitted to.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The estimates, for people.
    pub fn summary(&self) -> Summary {
        self.fitted.summary()
    }

    /// Takes in further prices without estimating again.
    pub fn advance(&mut self, prices: &Sample) -> Result<(), Error> {
        self.fitted.advance(&levels(prices, self.kind)).map_err(|reason| self.error(reason))
    }

    /// As it stands after the newest of these bars, and the factor from its own basis to theirs. It was fitted up to the session
    /// `last`, whose price was `last_price` then.
    ///
    /// # Errors
    /// [`Error::NoBar`] where the bars have lost that session: nothing tells the factor.
    pub fn brought_up_to(&self, last: Period, last_price: f64, bars: &[Bar]) -> Result<(PriceModel, f64), Error> {
        let here = bars.binary_search_by_key(&last, |bar| bar.day).map_err(|_| Error::NoBar { date: last.stamp() })?;
        let factor = match self.kind {
            Kind::Price => bars[here].adjusted_close / last_price,
            Kind::Value(_) => 1.0,
        };
        let mut newer = Sample::after_first(&bars[here..], self.kind);
        newer.values.iter_mut().for_each(|value| *value /= factor);
        let mut model = self.clone();
        model.advance(&newer)?;
        Ok((model, factor))
    }

    /// The changes of the log price that it forecasts from the last of the series' first bars, over the next 1, 2, ... sessions.
    ///
    /// # Errors
    /// As [`PriceModel::brought_up_to`].
    pub fn outlook_from(
        &self,
        last: Period,
        last_price: f64,
        (series, known): (&PriceSeries, usize),
        horizon: usize,
    ) -> Result<Outlook, Error> {
        let bars = &series.bars()[..known];
        let (model, factor) = self.brought_up_to(last, last_price, bars)?;
        let newest = self.kind.level(bars.last().map_or(last_price, |bar| bar.adjusted_close / factor));
        Ok(model.forecast(horizon, &series.regressors_after(known, horizon))?.outlook(newest))
    }

    /// Forecasts the next sessions' prices. What is known of them matters to a regression alone.
    ///
    /// # Errors
    /// [`Error::Model`], also where less is known ahead than a regression needs.
    pub fn forecast(&self, horizon: usize, ahead: &[Vec<f64>]) -> Result<PriceForecast, Error> {
        let log = self.fitted.forecast(horizon, ahead).map_err(|reason| self.error(reason))?;
        Ok(PriceForecast::new(log, self.kind))
    }

    fn error(&self, reason: String) -> Error {
        Error::Model { model: self.specification.to_string(), reason }
    }
}

families! {
    /// Tomorrow as today, or with the average growth so far: the baseline.
    random_walk::RandomWalk,
    /// Automatic ARIMA.
    arima::Arima,
    /// Exponential smoothing in state space.
    ets::Ets,
    /// The Theta method.
    theta::Theta,
    /// As a season ago.
    seasonal_random_walk::SeasonalRandomWalk,
    /// A decomposition into seasons and a rest.
    mstl::Mstl,
    /// The mean of the others.
    combination::Combination,
    /// A regression on what is known of each period beforehand, with ARIMA errors.
    regression::Regression,
    /// A program that is not ours.
    program::Program,
}
