use std::fmt;

use ::arima::{Arima, FittedArima, Order};
use augurs::Fit;
use serde::{Deserialize, Serialize};

use super::{Member, Specification};
use crate::{Kind, Seasons};

/// The baseline: tomorrow as today, or with the average growth so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RandomWalk {
    /// With the average growth.
    pub drift: bool,
}

impl RandomWalk {
    /// A random walk is an ARIMA(0,1,0), without or with drift.
    pub(super) fn model(self) -> Arima {
        let walk = Arima::new(Order { p: 0, d: 1, q: 0 });
        if self.drift { walk.with_drift() } else { walk }
    }
}

impl Member for RandomWalk {
    type State = FittedArima;

    /// Both are in every record as baselines: there is nothing to select.
    fn select(_: &[f64], _: Seasons, _: Kind) -> Result<Specification, String> {
        Ok(Specification::RandomWalk(RandomWalk { drift: false }))
    }

    fn fit(&self, y: &[f64]) -> Result<FittedArima, String> {
        self.model().fit(y).map_err(|error| error.to_string())
    }
}

impl fmt::Display for RandomWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.drift { "random walk with drift" } else { "random walk" })
    }
}
