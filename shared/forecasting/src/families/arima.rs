use std::fmt;

use ::arima::{AutoArima, FittedArima, Forecast};
use augurs::Fit;
use serde::{Deserialize, Serialize};

use super::{Member, RandomWalk, Specification, State, Summary};
use crate::{Error, Kind, Seasons};

/// Beyond this an order is a mistake rather than a model.
const MAX_ORDER: usize = 10;
/// Half a year.
const MAX_PERIOD: usize = 130;

/// An ARIMA model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arima {
    /// Its orders and constant.
    pub model: ::arima::Arima,
}

impl Arima {
    /// A model under its proper name: ARIMA(0,1,0) is the random walk.
    pub fn named(model: ::arima::Arima) -> Specification {
        let walks = [false, true].map(|drift| RandomWalk { drift });
        let walk = walks.into_iter().find(|walk| walk.model() == model);
        walk.map_or(Specification::Arima(Arima { model }), Specification::RandomWalk)
    }

    /// A model of these orders, (p, d, q) and (P, D, Q, sessions of a season), whatever a selection would find; `constant` is a drift
    /// where it differences, a mean where it does not.
    ///
    /// # Errors
    /// [`Error::Model`] for orders that are too high.
    pub fn pinned(order: [usize; 3], seasonal: Option<[usize; 4]>, constant: bool) -> Result<Specification, Error> {
        let ([p, d, q], [sp, sd, sq, period]) = (order, seasonal.unwrap_or([0, 0, 0, 1]));
        let bounded = [p, q].into_iter().all(|n| n <= MAX_ORDER) && [sp, sq].into_iter().all(|n| n <= 2);
        if !bounded || d + sd > 2 || !(1..=MAX_PERIOD).contains(&period) || (period == 1 && sp + sd + sq > 0) {
            let model = format!("ARIMA({p},{d},{q})({sp},{sd},{sq})[{period}]");
            let reason = format!(
                "p and q go up to {MAX_ORDER}, P and Q up to 2, d + D up to 2, and a season has 2 to {MAX_PERIOD} sessions"
            );
            return Err(Error::Model { model, reason });
        }
        let mut model = ::arima::Arima::new(::arima::Order { p, d, q });
        if period > 1 {
            model = model.with_seasonal(::arima::Seasonal { p: sp, d: sd, q: sq, period });
        }
        Ok(Arima::named(match constant {
            false => model,
            true if d + sd == 0 => model.with_mean(),
            true => model.with_drift(),
        }))
    }

    /// A longer season is too long for the orders of a model.
    pub(super) const MAX_PERIOD: usize = 24;

    /// The orders that automatic selection finds.
    pub(super) fn selected(y: &[f64], season: usize) -> Result<Arima, String> {
        let selection = AutoArima { period: season, ..AutoArima::default() };
        let fitted = selection.fit(y).map_err(|error| error.to_string())?;
        Ok(Arima { model: *fitted.model() })
    }
}

impl Member for Arima {
    type State = FittedArima;

    fn select(y: &[f64], season: Seasons, _: Kind) -> Result<Specification, String> {
        Ok(Arima::named(Arima::selected(y, season.short())?.model))
    }

    fn fit(&self, y: &[f64]) -> Result<FittedArima, String> {
        self.model.fit(y).map_err(|error| error.to_string())
    }
}

impl State for FittedArima {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        FittedArima::advance(self, new).map_err(|error| error.to_string())
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        FittedArima::forecast(self, horizon).map_err(|error| error.to_string())
    }

    fn summary(&self) -> Summary {
        Summary {
            coefficients: self.coefficients().named(),
            sigma2: Some(self.sigma2()),
            observations: self.observations(),
            aicc: Some(self.aicc()).filter(|aicc| aicc.is_finite()),
        }
    }
}

impl fmt::Display for Arima {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}
