use std::fmt;

use ::arima::{Arima, FittedArima, Order, Seasonal};
use augurs::Fit;
use serde::{Deserialize, Serialize};

use super::{Member, Specification};
use crate::{Kind, Seasons};

/// As a season ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeasonalRandomWalk {
    /// The season in sessions.
    pub season: usize,
}

impl Member for SeasonalRandomWalk {
    type State = FittedArima;

    fn select(_: &[f64], season: Seasons, _: Kind) -> Result<Specification, String> {
        let season = season.longest();
        if season < 2 {
            return Err("a seasonal random walk needs a season of two sessions or more".to_owned());
        }
        Ok(Specification::SeasonalRandomWalk(SeasonalRandomWalk { season }))
    }

    /// It is an ARIMA(0,0,0)(0,1,0): the forecast's variance grows by one innovation's with every season.
    fn fit(&self, y: &[f64]) -> Result<FittedArima, String> {
        let seasonal = Seasonal { p: 0, d: 1, q: 0, period: self.season };
        let model = Arima { seasonal, ..Arima::new(Order { p: 0, d: 0, q: 0 }) };
        model.fit(y).map_err(|error| error.to_string())
    }
}

impl fmt::Display for SeasonalRandomWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seasonal random walk over {} periods", self.season)
    }
}
