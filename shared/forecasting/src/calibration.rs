//! Intervals that hold: prices cluster their volatility, and a model's one standard error is too wide in calm months and too
//! narrow in a crash.
//!
//! Two things are learned, both from what was known at the origin alone. The **scale**: the exponentially weighted variance of
//! one-session log changes (decay 0.94; J.P. Morgan/Reuters 1996, RiskMetrics Technical Document, section 5.2) over their mean
//! square where the model was fitted. And for each level a **multiplier** of the interval's width, by adaptive
//! conformal inference (Gibbs & Candes 2021, NeurIPS 34, eq. (2)), in the form that moves the quantile itself (Angelopoulos,
//! Candes & Tibshirani 2023, NeurIPS 36, section 2.1; here its logarithm): wider after each miss, narrower after each
//! hit, in steps that balance where the level's share holds. It begins with the tails of a Student distribution, as scaled
//! returns have them (Bollerslev 1987, Review of Economics and Statistics 69, 542-547).

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::Level;

/// RiskMetrics' decay for daily returns.
const DECAY: f64 = 0.94;
/// Degrees of freedom of the Student distribution at the start.
const TAILS: f64 = 8.0;
/// How far one session's outcomes, all missed at a level near 100 %, move the logarithm of a multiplier.
const STEP: f64 = 0.03;
/// However long a streak: an interval is never wider or narrower than this many times the start's.
const MOST: f64 = 4.0;
/// A scale beyond these says more of a halt or of one jump than of the sessions to come.
const SCALES: std::ops::RangeInclusive<f64> = 0.25..=8.0;

/// Probabilities of the central intervals on which the continuous ranked probability score is computed, in percent: their
/// ends and the median are the quantiles 0.05, 0.10, ..., 0.95.
const GRID: [f64; 9] = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0];

/// Half the widths of the grid's intervals in standard errors, of the normal distribution.
pub(crate) static NORMAL_GRID: LazyLock<[f64; 9]> =
    LazyLock::new(|| GRID.map(|percent| Normal::standard().inverse_cdf(0.5 + percent / 200.0)));

/// The same of the Student distribution with variance 1.
static STUDENT_GRID: LazyLock<[f64; 9]> = LazyLock::new(|| GRID.map(|percent| student(0.5 + percent / 200.0)));

fn student(probability: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, TAILS).expect("the degrees of freedom are positive");
    student.inverse_cdf(probability) * ((TAILS - 2.0) / TAILS).sqrt()
}

/// How many times wider than at the start a level's interval is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Multiplier {
    /// The level.
    pub level: Level,
    /// Times the width at the start.
    pub factor: f64,
}

/// What past outcomes taught: one multiplier a level, lowest level first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multipliers(Vec<Multiplier>);

impl Multipliers {
    /// Before any outcome.
    pub fn start(levels: &[Level]) -> Multipliers {
        Multipliers(levels.iter().map(|&level| Multiplier { level, factor: 1.0 }).collect())
    }

    /// After a history of one-session changes, as the random walk would have forecast them: whatever the model, its first
    /// origin knows how heavy the tails are. `outcomes` as in [`Multipliers::learn`].
    pub(crate) fn after(
        prices: &[f64],
        scales: &Scales,
        first: usize,
        levels: &[Level],
        outcomes: usize,
    ) -> Multipliers {
        let mut multipliers = Multipliers::start(levels);
        let widths: Vec<(Level, f64)> = levels.iter().map(|&level| (level, student(level.upper_tail()))).collect();
        for session in first + 1..prices.len() {
            let change = (prices[session] / prices[session - 1]).ln().abs();
            let scale = scales.weighted[session - 1].sqrt();
            for &(level, width) in &widths {
                let inside = change <= width * multipliers.factor(level) * scale;
                multipliers.learn(level, inside, outcomes);
            }
        }
        multipliers
    }

    /// Learns from one outcome, of `outcomes` that there are each session.
    pub fn learn(&mut self, level: Level, inside: bool, outcomes: usize) {
        let missed = if inside { 0.0 } else { 1.0 };
        for multiplier in self.0.iter_mut().filter(|m| m.level == level) {
            let step = STEP / outcomes as f64 * (missed - (1.0 - level.probability()));
            multiplier.factor = (multiplier.factor * step.exp()).clamp(1.0 / MOST, MOST);
        }
    }

    /// A level's factor; between two known levels what lies between their factors, beyond them the nearest one's.
    fn factor(&self, level: Level) -> f64 {
        let above = self.0.iter().position(|m| m.level >= level);
        match (above.map(|i| (i, self.0[i])), self.0.last()) {
            (Some((i, above)), _) if i == 0 || above.level == level => above.factor,
            (Some((i, above)), _) => {
                let below = self.0[i - 1];
                let share = (level.percent() - below.level.percent()) / (above.level.percent() - below.level.percent());
                below.factor + share * (above.factor - below.factor)
            }
            (None, Some(highest)) => highest.factor,
            (None, None) => 1.0,
        }
    }
}

/// What widens or narrows the intervals of one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    scale: f64,
    multipliers: Multipliers,
}

impl Calibration {
    /// With a scale, from [`Scales`], and what past outcomes taught.
    pub fn new(scale: f64, multipliers: Multipliers) -> Calibration {
        Calibration { scale, multipliers }
    }

    /// Present volatility over that where the model was fitted.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Half the width of an interval in the model's standard errors.
    pub(crate) fn deviate(&self, level: Level) -> f64 {
        self.scale * student(level.upper_tail()) * self.multipliers.factor(level)
    }

    pub(crate) fn grid(&self) -> [f64; 9] {
        std::array::from_fn(|i| {
            let level = Level::try_from(GRID[i]).expect("the grid's levels are within bounds");
            self.scale * STUDENT_GRID[i] * self.multipliers.factor(level)
        })
    }
}

/// Volatility over time: at each session the exponentially weighted variance of log changes, and their sum of squares.
#[derive(Debug, Clone)]
pub struct Scales {
    weighted: Vec<f64>,
    squares: Vec<f64>,
}

impl Scales {
    /// From prices, oldest first: what is said of a session uses it and those before it, but for the first few, which all
    /// begin with their mean.
    pub fn of(prices: &[f64]) -> Scales {
        let changes: Vec<f64> = prices.windows(2).map(|pair| (pair[1] / pair[0]).ln().powi(2)).collect();
        // The recursion begins with the mean of what the decay remembers.
        let memory = changes.len().min((1.0 / (1.0 - DECAY)).ceil() as usize);
        let mut variance = changes[..memory].iter().sum::<f64>() / memory.max(1) as f64;
        let (mut weighted, mut squares) = (vec![variance], vec![0.0]);
        let mut sum = 0.0;
        for square in changes {
            variance = DECAY * variance + (1.0 - DECAY) * square;
            sum += square;
            weighted.push(variance);
            squares.push(sum);
        }
        Scales { weighted, squares }
    }

    /// Volatility at a session over that of the sessions `first..=last`, which a model was fitted on. 1 where nothing moved.
    pub fn ratio(&self, session: usize, first: usize, last: usize) -> f64 {
        let mean = (self.squares[last] - self.squares[first]) / (last - first).max(1) as f64;
        let ratio = (self.weighted[session] / mean).sqrt();
        if ratio.is_finite() { ratio.clamp(*SCALES.start(), *SCALES.end()) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(percent: f64) -> Level {
        Level::try_from(percent).expect("a level")
    }

    /// Where the level's share holds, steps balance; each miss widens by what four hits of an 80 % interval narrow.
    #[test]
    fn steps_balance_at_the_level() {
        let mut multipliers = Multipliers::start(&[level(80.0), level(95.0)]);
        for t in 0..1_000 {
            multipliers.learn(level(80.0), t % 5 != 0, 5);
        }
        assert!((multipliers.factor(level(80.0)) - 1.0).abs() < 1e-9);
        assert_eq!(multipliers.factor(level(95.0)), 1.0, "another level has learned nothing");
        for _ in 0..10_000 {
            multipliers.learn(level(80.0), false, 5);
        }
        assert_eq!(multipliers.factor(level(80.0)), MOST);
        // Between two levels, and beyond them.
        let halfway = multipliers.factor(level(87.5));
        assert!((halfway - f64::midpoint(MOST, 1.0)).abs() < 1e-9, "{halfway}");
        assert_eq!((multipliers.factor(level(50.0)), multipliers.factor(level(99.0))), (MOST, 1.0));
    }

    #[test]
    fn the_scale_follows_volatility() {
        let prices = |size: fn(usize) -> f64| {
            let mut price = 100.0;
            (0..400)
                .map(|t| {
                    price *= if t % 2 == 0 { 1.0 + size(t) } else { 1.0 / (1.0 + size(t)) };
                    price
                })
                .collect::<Vec<f64>>()
        };
        let steady = Scales::of(&prices(|_| 0.01));
        assert!((steady.ratio(399, 0, 399) - 1.0).abs() < 1e-3);
        let storm = Scales::of(&prices(|t| if t < 300 { 0.01 } else { 0.03 }));
        assert!((storm.ratio(399, 0, 299) - 3.0).abs() < 0.05, "over the calm that a model was fitted on");
        assert!((storm.ratio(299, 0, 299) - 1.0).abs() < 0.01, "a session knows nothing of those after it");
        assert_eq!(Scales::of(&[5.0; 50]).ratio(49, 0, 49), 1.0, "where nothing moves");
        assert_eq!(Scales::of(&[5.0]).ratio(0, 0, 0), 1.0);
    }

    /// Volatility 1 and no miss to learn from: a Student distribution with variance 1.
    #[test]
    fn it_begins_with_heavy_tails() {
        let start = Calibration::new(1.0, Multipliers::start(&[]));
        assert!((start.deviate(level(80.0)) - 1.396_815 * 0.75_f64.sqrt()).abs() < 1e-5);
        assert!((start.deviate(level(95.0)) - 2.306_004 * 0.75_f64.sqrt()).abs() < 1e-5);
    }
}
