//! Losses of a forecaster over past sessions.

use serde::{Deserialize, Serialize};

use crate::{Level, Mean, SkillInterval, Specification};

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

/// What a forecaster lost over past sessions, averaged over origins and horizons.
///
/// Errors are differences of log prices, so that neither the price's level nor a later rebasing weighs (contests of earlier
/// releases had fractions of the price at the origin). What came with a later version of this format is absent from older scorecards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// What was scored; where a [`crate::Standing`] says so, it is not said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<Specification>,
    /// Origins that it forecast from.
    pub origins: usize,
    /// Horizons 1..=this from each.
    pub horizon: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean square error.
    pub rmse: f64,
    /// Mean absolute error over the mean absolute change of a session (Hyndman & Koehler 2006, Int. J. Forecasting 22, 679-688).
    pub mase: f64,
    /// Mean pinball loss over the ends of all intervals and the median (Gneiting & Raftery 2007, JASA 102, section 6).
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
    /// The losses at each horizon; left out of receipts.
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
    /// Mean absolute error over the mean absolute change of a session.
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

/// What a forecaster lost: origin after origin, and step after step of each. One step is its absolute and square error, its
/// CRPS, the median's pinball loss, and each level's pinball loss (the mean of both ends) and whether its interval held.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Losses {
    horizon: usize,
    levels: usize,
    values: Vec<f64>,
}

const ABSOLUTE: usize = 0;
const SQUARE: usize = 1;
const CRPS: usize = 2;
const MEDIAN: usize = 3;
const LEVELS: usize = 4;

/// Half the widths of one step's intervals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    /// At [`crate::calibration::GRID`].
    pub(crate) grid: [f64; 9],
    /// At the scored levels, as many as there are.
    pub(crate) levels: [f64; Widths::MAX_LEVELS],
}

impl Widths {
    /// As many levels as a configuration may have.
    pub(crate) const MAX_LEVELS: usize = 10;
}

impl Losses {
    pub(crate) fn new(horizon: usize, levels: usize, origins: usize) -> Losses {
        Losses { horizon, levels, values: Vec::with_capacity(origins * horizon * (LEVELS + 2 * levels)) }
    }

    /// Scores the next step: what came less the central forecast, and the intervals around it.
    pub(crate) fn add(&mut self, error: f64, widths: &Widths, levels: &[Level]) {
        let ends = |half: f64, tail: f64| quantile_loss(error, -half, tail) + quantile_loss(error, half, 1.0 - tail);
        let median = 0.5 * error.abs();
        let tails = (1..).map(|i| 0.5 - 0.05 * f64::from(i));
        let grid: f64 = widths.grid.into_iter().zip(tails).map(|(half, tail)| ends(half, tail)).sum();
        self.values.extend([error.abs(), error * error, 2.0 * 0.05 * (median + grid), median]);
        for (level, half) in levels.iter().zip(widths.levels) {
            self.values.push(ends(half, (1.0 - level.probability()) / 2.0) / 2.0);
            self.values.push(if error.abs() <= half { 1.0 } else { 0.0 });
        }
    }

    fn steps(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(LEVELS + 2 * self.levels)
    }

    /// Origins that have all their outcomes.
    pub(crate) fn origins(&self) -> usize {
        self.steps().count() / self.horizon
    }

    /// Mean absolute error at each origin.
    pub(crate) fn absolute(&self) -> Vec<f64> {
        let steps: Vec<f64> = self.steps().map(|step| step[ABSOLUTE]).collect();
        steps.chunks(self.horizon).map(|origin| origin.iter().sum::<f64>() / self.horizon as f64).collect()
    }

    /// Mean continuous ranked probability score.
    pub(crate) fn crps(&self) -> f64 {
        self.mean(|step| step[CRPS])
    }

    fn mean(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        self.steps().map(of).sum::<f64>() / self.steps().count() as f64
    }

    /// Means over the origins at each horizon, with their standard errors; `naive` is the mean absolute change of a session.
    pub(crate) fn by_horizon(&self, naive: f64, levels: &[Level]) -> Vec<HorizonLosses> {
        let at = |horizon: usize| {
            let mean = |of: &dyn Fn(&[f64]) -> f64| {
                let values: Vec<f64> = self.steps().skip(horizon - 1).step_by(self.horizon).map(of).collect();
                Mean::of(&values, horizon)
            };
            let (mae, mse) = (mean(&|step| step[ABSOLUTE]), mean(&|step| step[SQUARE]));
            let rmse = mse.value.sqrt();
            HorizonLosses {
                horizon,
                mae,
                rmse: mse.through(rmse, if rmse > 0.0 { 0.5 / rmse } else { 0.0 }),
                mase: mae.through(scaled(mae.value, naive), scaled(1.0, naive)),
                pinball: mean(&pinball),
                crps: mean(&|step| step[CRPS]),
                levels: levels
                    .iter()
                    .enumerate()
                    .map(|(i, &level)| LevelLosses {
                        level,
                        pinball: mean(&|step| step[LEVELS + 2 * i]),
                        coverage: mean(&|step| step[LEVELS + 2 * i + 1]),
                    })
                    .collect(),
            }
        };
        (1..=self.horizon).map(at).collect()
    }
}

/// A mean absolute scaled error (Hyndman & Koehler 2006); 0 of prices that have not moved.
fn scaled(error: f64, naive: f64) -> f64 {
    if naive > 0.0 { error / naive } else { 0.0 }
}

/// Over the median and the ends of all intervals of a step.
fn pinball(step: &[f64]) -> f64 {
    let ends: f64 = step[LEVELS..].chunks(2).map(|level| 2.0 * level[0]).sum();
    (step[MEDIAN] + ends) / (step.len() - LEVELS + 1) as f64
}

/// To six digits: what is kept each night says no more than it knows.
pub(crate) fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let unit = 10.0_f64.powi(5 - value.abs().log10().floor() as i32);
    (value * unit).round() / unit
}

/// Loss of a quantile forecast (Koenker & Bassett 1978).
pub(crate) fn quantile_loss(actual: f64, quantile: f64, probability: f64) -> f64 {
    (actual - quantile) * (probability - if actual < quantile { 1.0 } else { 0.0 })
}

impl Scorecard {
    /// Averages over origins; `naive` is the mean absolute change of a session.
    pub(crate) fn new(losses: &Losses, naive: f64, levels: &[Level]) -> Scorecard {
        let n = losses.origins() * losses.horizon;
        let mae = losses.mean(|step| step[ABSOLUTE]);
        let coverage = |(i, &level): (usize, &Level)| Coverage {
            level,
            realised: short(losses.mean(|step| step[LEVELS + 2 * i + 1])),
            n,
        };
        Scorecard {
            specification: None,
            origins: losses.origins(),
            horizon: losses.horizon,
            mae: short(mae),
            rmse: short(losses.mean(|step| step[SQUARE]).sqrt()),
            mase: short(scaled(mae, naive)),
            pinball: short(losses.mean(pinball)),
            crps: None,
            skill: None,
            coverage: levels.iter().enumerate().map(coverage).collect(),
            horizons: Vec::new(),
        }
    }

    /// Forecasts behind the numbers.
    pub fn forecasts(&self) -> usize {
        self.origins * self.horizon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRPS of a normal distribution: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)) (Gneiting & Raftery 2007, eq. (21)), at
    /// z = 0.5.
    #[test]
    fn crps_of_a_normal_distribution() {
        let deviates = [0.1257, 0.2533, 0.3853, 0.5244, 0.6745, 0.8416, 1.0364, 1.2816, 1.6449];
        let widths = Widths { grid: deviates, levels: [0.0; 10] };
        let mut losses = Losses::new(1, 0, 1);
        losses.add(0.5, &widths, &[]);
        let exact = 0.5 * (2.0 * 0.691_462_461 - 1.0) + 2.0 * 0.352_065_327 - 0.564_189_584;
        let ratio = losses.values[CRPS] / exact;
        assert!((ratio - 1.0).abs() < 0.015, "{ratio}");
    }
}
