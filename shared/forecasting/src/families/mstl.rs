use std::fmt;

use ::arima::{FittedArima, Forecast};
use serde::{Deserialize, Serialize};

use super::{Arima, Member, Specification, State, Summary, deseason};
use crate::{Kind, Seasons};

/// Multiple seasons taken out by loess (MSTL: Bandara, Hyndman & Bergmeir 2021, arXiv:2107.13462; the loess is the crate stlrs'), what is left an
/// ARIMA, and each season's last turn repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mstl {
    /// The seasons.
    pub seasons: Seasons,
    /// What is left.
    pub rest: Arima,
}

/// What is left after the seasons, and their next turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedMstl {
    rest: FittedArima,
    /// The sum of all seasons over the longest, that of the next value first.
    season: Vec<f64>,
}

impl Member for Mstl {
    type State = FittedMstl;

    fn select(y: &[f64], seasons: Seasons, _: Kind) -> Result<Specification, String> {
        Mstl::selected(y, seasons).map(Specification::Mstl)
    }

    fn fit(&self, y: &[f64]) -> Result<FittedMstl, String> {
        let (season, rest) = decomposed(y, self.seasons)?;
        let rest = self.rest.fit(&rest)?;
        Ok(FittedMstl { rest, season })
    }
}

impl Mstl {
    pub(super) fn selected(y: &[f64], seasons: Seasons) -> Result<Mstl, String> {
        // Of a long season three turns are needed, as the decomposition does.
        let seasons = match seasons.long() {
            Some(long) if y.len() < 3 * long => Seasons::one(seasons.short()),
            _ => seasons,
        };
        let (_, rest) = decomposed(y, seasons)?;
        Ok(Mstl { seasons, rest: Arima::selected(&rest, 1)? })
    }
}

/// The next turn of all seasons together, and what is left without them.
fn decomposed(y: &[f64], seasons: Seasons) -> Result<(Vec<f64>, Vec<f64>), String> {
    let y = &deseason::bridged(y)[..];
    let longest = seasons.longest();
    if longest < 2 {
        return Err("a decomposition needs a season".to_owned());
    }
    if y.len() < 2 * longest + 2 {
        return Err(format!("{} values are fewer than two turns of {longest}", y.len()));
    }
    let periods: Vec<usize> = [Some(seasons.short()), seasons.long()].into_iter().flatten().collect();
    let fitted = stlrs::Mstl::fit(y, &periods).map_err(|error| error.to_string())?;
    let mut rest = y.to_vec();
    for seasonal in fitted.seasonal() {
        rest.iter_mut().zip(seasonal).for_each(|(value, season)| *value -= season);
    }
    // Each season goes on as in its own last turn.
    let mut next = vec![0.0; longest];
    for (seasonal, period) in fitted.seasonal().iter().zip(&periods) {
        for (h, sum) in next.iter_mut().enumerate() {
            *sum += seasonal[y.len() - period + h % period];
        }
    }
    Ok((next, rest))
}

impl State for FittedMstl {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        for value in new {
            State::advance(&mut self.rest, &[value - self.season[0]])?;
            self.season.rotate_left(1);
        }
        Ok(())
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        let mut forecast = State::forecast(&self.rest, horizon)?;
        for (h, mean) in forecast.mean.iter_mut().enumerate() {
            *mean += self.season[h % self.season.len()];
        }
        Ok(forecast)
    }

    fn summary(&self) -> Summary {
        State::summary(&self.rest)
    }
}

impl fmt::Display for Mstl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MSTL[{}] and {}", self.seasons, self.rest)
    }
}
