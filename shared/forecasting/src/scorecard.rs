//! Losses of a model over held-out sessions.

use serde::{Deserialize, Serialize};

use crate::{Level, Mean, Multipliers, PriceForecast, SkillInterval, Specification};

/// How often an interval held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
/// Errors are fractions of the price at their origin, so that neither the price's level nor a later rebasing weighs. What
/// came with a later version of this format is absent from older scorecards.
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
    /// Continuous ranked probability score: twice the integral of the pinball loss over all quantiles (Gneiting & Ranjan 2011, J.
    /// Business & Economic Statistics 29, 411-422), by the trapezoidal rule over 0.05, 0.10, ..., 0.95.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crps: Option<f64>,
    /// Skill against the random walk, with its confidence interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<SkillInterval>,
    /// Coverage of each level's interval.
    pub coverage: Vec<Coverage>,
    /// What the outcomes taught the adaptive intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipliers: Option<Multipliers>,
    /// The losses at each horizon; they are in the archived contest and left out of receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub horizons: Vec<HorizonLosses>,
}

/// Losses at one horizon: means over the origins, with their standard errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HorizonLosses {
    /// Sessions ahead.
    pub horizon: usize,
    /// Mean absolute error.
    pub mae: Mean,
    /// Root mean square error.
    pub rmse: Mean,
    /// Mean absolute error over that of the one-step random walk before the held-out sessions.
    pub mase: Mean,
    /// Mean pinball loss over the ends of all intervals and the median.
    pub pinball: Mean,
    /// Continuous ranked probability score.
    pub crps: Mean,
    /// Each level's interval.
    pub levels: Vec<LevelLosses>,
}

/// Losses of one level's interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelLosses {
    /// The level.
    pub level: Level,
    /// Mean pinball loss of its two ends.
    pub pinball: Mean,
    /// Share of outcomes inside it.
    pub coverage: Mean,
}

/// What a forecast lost at one origin, one entry a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OriginLoss {
    steps: Vec<StepLoss>,
}

#[derive(Debug, Clone, PartialEq)]
struct StepLoss {
    absolute: f64,
    square: f64,
    crps: f64,
    /// Of the median, and each level's interval.
    median: f64,
    levels: Vec<LevelLoss>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct LevelLoss {
    /// Mean of both ends.
    pinball: f64,
    inside: bool,
}

impl StepLoss {
    /// Over the median and the ends of all intervals.
    fn pinball(&self) -> f64 {
        let ends: f64 = self.levels.iter().map(|level| 2.0 * level.pinball).sum();
        (self.median + ends) / (1 + 2 * self.levels.len()) as f64
    }
}

impl OriginLoss {
    /// Scores a forecast made when the price was `price` against what came.
    pub(crate) fn of(forecast: &PriceForecast, price: f64, actual: &[f64], levels: &[Level]) -> OriginLoss {
        let intervals: Vec<_> = levels.iter().map(|&level| (level, forecast.interval(level))).collect();
        let of_step = |(h, (central, y)): (usize, (f64, &f64))| {
            let error = (y - central) / price;
            let pinball = |(lower, upper): (f64, f64), tail: f64| {
                (quantile_loss(*y, lower, tail) + quantile_loss(*y, upper, 1.0 - tail)) / price
            };
            let median = 0.5 * error.abs();
            let tails = (1..).map(|i| 0.5 - 0.05 * f64::from(i));
            let grid: f64 = forecast.grid(h).zip(tails).map(|(ends, tail)| pinball(ends, tail)).sum();
            StepLoss {
                absolute: error.abs(),
                square: error * error,
                crps: 2.0 * 0.05 * (median + grid),
                median,
                levels: intervals
                    .iter()
                    .map(|(level, (lower, upper))| LevelLoss {
                        pinball: pinball((lower[h], upper[h]), (1.0 - level.probability()) / 2.0) / 2.0,
                        inside: lower[h] <= *y && *y <= upper[h],
                    })
                    .collect(),
            }
        };
        OriginLoss { steps: forecast.central().into_iter().zip(actual).enumerate().map(of_step).collect() }
    }

    /// Whether the outcome `horizon` steps ahead lay inside each level's interval.
    pub(crate) fn inside(&self, horizon: usize) -> impl Iterator<Item = bool> {
        self.steps[horizon - 1].levels.iter().map(|level| level.inside)
    }

    fn mean(&self, of: impl Fn(&StepLoss) -> f64) -> f64 {
        self.steps.iter().map(of).sum::<f64>() / self.steps.len() as f64
    }

    /// Mean pinball loss over all steps.
    pub(crate) fn pinball(&self) -> f64 {
        self.mean(StepLoss::pinball)
    }

    /// Mean absolute error over all steps.
    pub(crate) fn absolute(&self) -> f64 {
        self.mean(|step| step.absolute)
    }
}

/// Loss of a quantile forecast (Koenker & Bassett 1978).
pub(crate) fn quantile_loss(actual: f64, quantile: f64, probability: f64) -> f64 {
    (actual - quantile) * (probability - if actual < quantile { 1.0 } else { 0.0 })
}

impl Scorecard {
    /// Averages over origins; `naive` is the mean absolute one-step relative change before the held-out sessions.
    pub(crate) fn new(specification: Specification, losses: &[OriginLoss], naive: f64, levels: &[Level]) -> Scorecard {
        let horizon = losses.first().map_or(0, |loss| loss.steps.len());
        let n = losses.len() * horizon;
        let mean =
            |of: fn(&StepLoss) -> f64| losses.iter().map(|loss| loss.mean(of)).sum::<f64>() / losses.len() as f64;
        let mae = mean(|step| step.absolute);
        let coverage = |(i, &level): (usize, &Level)| {
            let held = losses.iter().flat_map(|loss| &loss.steps).filter(|step| step.levels[i].inside).count();
            Coverage { level, realised: held as f64 / n as f64, n }
        };
        Scorecard {
            specification,
            origins: losses.len(),
            horizon,
            mae,
            rmse: mean(|step| step.square).sqrt(),
            mase: mae / naive,
            pinball: mean(StepLoss::pinball),
            crps: Some(mean(|step| step.crps)),
            skill: None,
            coverage: levels.iter().enumerate().map(coverage).collect(),
            multipliers: None,
            horizons: (1..=horizon).map(|h| HorizonLosses::new(h, losses, naive, levels)).collect(),
        }
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.mae, self.rmse, self.mase, self.pinball].iter().all(|loss| loss.is_finite())
    }

    /// Forecasts behind the numbers.
    pub fn forecasts(&self) -> usize {
        self.origins * self.horizon
    }
}

impl HorizonLosses {
    fn new(horizon: usize, losses: &[OriginLoss], naive: f64, levels: &[Level]) -> HorizonLosses {
        let mean = |of: &dyn Fn(&StepLoss) -> f64| {
            let values: Vec<f64> = losses.iter().map(|loss| of(&loss.steps[horizon - 1])).collect();
            Mean::of(&values, horizon)
        };
        let mae = mean(&|step| step.absolute);
        let mse = mean(&|step| step.square);
        let rmse = mse.value.sqrt();
        HorizonLosses {
            horizon,
            mae,
            rmse: mse.through(rmse, if rmse > 0.0 { 0.5 / rmse } else { 0.0 }),
            mase: mae.through(mae.value / naive, 1.0 / naive),
            pinball: mean(&StepLoss::pinball),
            crps: mean(&|step| step.crps),
            levels: levels
                .iter()
                .enumerate()
                .map(|(i, &level)| LevelLosses {
                    level,
                    pinball: mean(&|step| step.levels[i].pinball),
                    coverage: mean(&|step| if step.levels[i].inside { 1.0 } else { 0.0 }),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use arima::Forecast;

    use super::*;

    /// Of a narrow log-normal distribution, which is nearly normal: CRPS = sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))
    /// (Gneiting & Raftery 2007, eq. (21)), at z = 0.5.
    #[test]
    fn crps_of_a_normal_distribution() {
        let log = Forecast { mean: vec![0.0], standard_error: vec![1e-3], degrees_of_freedom: f64::INFINITY };
        let loss = OriginLoss::of(&PriceForecast::new(log), 1.0, &[1.000_5], &[]);
        let exact = 1e-3 * (0.5 * (2.0 * 0.691_462_461 - 1.0) + 2.0 * 0.352_065_327 - 0.564_189_584);
        let ratio = loss.steps[0].crps / exact;
        assert!((ratio - 1.0).abs() < 0.015, "{ratio}");
    }
}
