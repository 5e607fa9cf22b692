use std::fmt;

use ::arima::{ArimaRegression, AutoArima, Forecast};
use serde::{Deserialize, Serialize};

use super::{Arima, Member, Specification, State, Summary};
use crate::{Kind, Sample, Seasons};

/// A linear regression on what is known of each period beforehand, such as holidays, prices and promotions, whose errors follow an
/// ARIMA model (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, chapter 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// How many columns it regresses on.
    pub columns: usize,
    /// Of its errors.
    pub errors: ::arima::Arima,
}

const NOTHING_KNOWN: &str = "nothing is known of its periods beforehand: columns.regressors names what is";

impl Member for Regression {
    type State = ArimaRegression;

    fn select(_: &[f64], _: Seasons, _: Kind) -> Result<Specification, String> {
        Err(NOTHING_KNOWN.to_owned())
    }

    fn fit(&self, _: &[f64]) -> Result<ArimaRegression, String> {
        Err(NOTHING_KNOWN.to_owned())
    }

    fn select_with(Sample { values, regressors }: &Sample, season: Seasons, _: Kind) -> Result<Specification, String> {
        if regressors.is_empty() {
            return Err(NOTHING_KNOWN.to_owned());
        }
        let period = if season.short() <= Arima::MAX_PERIOD { season.short() } else { 1 };
        let selection = AutoArima { period, ..AutoArima::default() };
        let fitted = selection.regress(values, regressors).map_err(|error| error.to_string())?;
        Ok(Specification::Regression(Regression { columns: regressors.len(), errors: *fitted.errors().model() }))
    }

    fn fit_with(&self, Sample { values, regressors }: &Sample) -> Result<ArimaRegression, String> {
        if regressors.len() != self.columns {
            return Err(format!("it regresses on {} columns, and {} are known", self.columns, regressors.len()));
        }
        self.errors.regress(values, regressors).map_err(|error| error.to_string())
    }
}

impl State for ArimaRegression {
    fn advance(&mut self, _: &[f64]) -> Result<(), String> {
        Err(NOTHING_KNOWN.to_owned())
    }

    fn forecast(&self, _: usize) -> Result<Forecast, String> {
        Err(NOTHING_KNOWN.to_owned())
    }

    fn advance_with(&mut self, new: &Sample) -> Result<(), String> {
        ArimaRegression::advance(self, &new.values, &new.regressors).map_err(|error| error.to_string())
    }

    fn forecast_with(&self, horizon: usize, ahead: &[Vec<f64>]) -> Result<Forecast, String> {
        let known = ahead.iter().map(Vec::len).min().unwrap_or(0);
        if known < horizon {
            return Err(format!("what it regresses on is given for {known} of the next {horizon} periods"));
        }
        let columns: Vec<Vec<f64>> = ahead.iter().map(|column| column[..horizon].to_vec()).collect();
        ArimaRegression::forecast(self, horizon, &columns).map_err(|error| error.to_string())
    }

    fn summary(&self) -> Summary {
        let weights =
            self.weights().iter().enumerate().map(|(place, weight)| (format!("regressor{}", place + 1), *weight));
        let errors = State::summary(self.errors());
        Summary {
            coefficients: weights.chain(errors.coefficients).collect(),
            aicc: Some(self.aicc()).filter(|aicc| aicc.is_finite()),
            ..errors
        }
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.columns == 1 { "" } else { "s" };
        write!(f, "regression on {} column{s} with {} errors", self.columns, self.errors)
    }
}
