//! Losses of a model over held-out sessions.

use serde::{Deserialize, Serialize};

use crate::{Level, PriceForecast, Specification};

/// How often an interval held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The interval's level.
    pub level: Level,
    /// Share of outcomes inside it.
    pub realised: f64,
    /// Outcomes counted.
    pub n: usize,
}

/// What a model lost over held-out sessions, averaged over origins and horizons.
///
/// Errors are fractions of the price at their origin, so that neither the price's level nor a later rebasing weighs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// What was scored.
    pub specification: Specification,
    /// Origins that it forecast from.
    pub origins: usize,
    /// Horizons 1..=this from each.
    pub horizon: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean square error.
    pub rmse: f64,
    /// Mean absolute error over that of the one-step random walk before the held-out sessions
    /// (Hyndman & Koehler 2006, Int. J. Forecasting 22, 679-688).
    pub mase: f64,
    /// Mean pinball loss over the ends of all intervals and the median: the loss that verdicts compare
    /// (Gneiting & Raftery 2007, JASA 102, section 6).
    pub pinball: f64,
    /// Coverage of each level's interval.
    pub coverage: Vec<Coverage>,
}

/// Everything a forecast lost at one origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OriginLoss {
    absolute: Vec<f64>,
    square: Vec<f64>,
    pub(crate) pinball: f64,
    /// Outcomes inside, one count a level.
    inside: Vec<usize>,
}

impl OriginLoss {
    /// Scores a forecast made when the price was `price` against what came.
    pub(crate) fn of(forecast: &PriceForecast, price: f64, actual: &[f64], levels: &[Level]) -> OriginLoss {
        let errors: Vec<f64> = forecast.central().iter().zip(actual).map(|(f, y)| (y - f) / price).collect();
        let mut pinball: f64 = errors.iter().map(|e| 0.5 * e.abs()).sum();
        let mut inside = Vec::with_capacity(levels.len());
        for &level in levels {
            let (lower, upper) = forecast.interval(level);
            let tail = (1.0 - level.probability()) / 2.0;
            let ends = lower.iter().zip(&upper).zip(actual);
            pinball += ends
                .clone()
                .map(|((l, u), y)| quantile_loss(*y, *l, tail) + quantile_loss(*y, *u, 1.0 - tail))
                .sum::<f64>()
                / price;
            inside.push(ends.filter(|((l, u), y)| *l <= *y && *y <= *u).count());
        }
        let quantiles = (actual.len() * (1 + 2 * levels.len())) as f64;
        OriginLoss {
            absolute: errors.iter().map(|e| e.abs()).collect(),
            square: errors.iter().map(|e| e * e).collect(),
            pinball: pinball / quantiles,
            inside,
        }
    }
}

fn quantile_loss(actual: f64, quantile: f64, probability: f64) -> f64 {
    (actual - quantile) * (probability - if actual < quantile { 1.0 } else { 0.0 })
}

impl Scorecard {
    /// Averages over origins; `naive` is the mean absolute one-step relative change before the held-out sessions.
    pub(crate) fn new(specification: Specification, losses: &[OriginLoss], naive: f64, levels: &[Level]) -> Scorecard {
        let horizon = losses.first().map_or(0, |loss| loss.absolute.len());
        let n = losses.len() * horizon;
        let mean = |pick: fn(&OriginLoss) -> &Vec<f64>| {
            losses.iter().map(|loss| pick(loss).iter().sum::<f64>()).sum::<f64>() / n as f64
        };
        let mae = mean(|loss| &loss.absolute);
        Scorecard {
            specification,
            origins: losses.len(),
            horizon,
            mae,
            rmse: mean(|loss| &loss.square).sqrt(),
            mase: mae / naive,
            pinball: losses.iter().map(|loss| loss.pinball).sum::<f64>() / losses.len() as f64,
            coverage: levels
                .iter()
                .enumerate()
                .map(|(i, &level)| {
                    let inside: usize = losses.iter().map(|loss| loss.inside[i]).sum();
                    Coverage { level, realised: inside as f64 / n as f64, n }
                })
                .collect(),
        }
    }

    /// 1 - its mean absolute error over another's: positive where it is better. `None` where the other made no error.
    pub fn skill_against(&self, other: &Scorecard) -> Option<f64> {
        (other.mae > 0.0).then(|| 1.0 - self.mae / other.mae)
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.mae, self.rmse, self.mase, self.pinball].iter().all(|loss| loss.is_finite())
    }

    /// Forecasts behind the numbers.
    pub fn forecasts(&self) -> usize {
        self.origins * self.horizon
    }
}
