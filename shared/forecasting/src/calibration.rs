//! Intervals that hold: a scale says how far prices are likely to move ([`crate::Scale`]), and outcomes teach how many of its
//! deviations an interval must be wide.
//!
//! For each level and each horizon a **multiplier** of the width is learned by adaptive conformal inference (Gibbs & Candes 2021,
//! NeurIPS 34, eq. (2)), in the form that moves the quantile itself (Angelopoulos, Candes & Tibshirani 2023, NeurIPS 36,
//! section 2.1; here its logarithm): wider after each miss, narrower after each hit, in steps that balance where the
//! level's share holds. It begins with the tails of a Student distribution, as scaled returns have them (Bollerslev 1987,
//! Review of Economics and Statistics 69, 542-547).

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    Level, PriceSeries, Scale,
    scale::{ScaleParameters, Scales, Shock},
};

/// Degrees of freedom of the Student distribution at the start.
const TAILS: f64 = 8.0;
/// How far a miss at a level near 100 % moves the logarithm of a multiplier.
const STEP: f64 = 0.02;
/// However long a streak: an interval is never wider or narrower than this many times the start's.
const MAX_FACTOR: f64 = 4.0;

/// Probabilities of the central intervals on which the continuous ranked probability score is computed, in percent: their
/// ends and the median are the quantiles 0.05, 0.10, ..., 0.95.
pub(crate) const GRID: [f64; 9] = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0];

/// Half the width of an interval at the start, in standard deviations.
pub(crate) fn student(level: Level) -> f64 {
    let student = StudentsT::new(0.0, 1.0, TAILS).expect("the degrees of freedom are positive");
    student.inverse_cdf(level.upper_tail()) * ((TAILS - 2.0) / TAILS).sqrt()
}

/// One level's rule of learning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lesson {
    /// Half the width at the start, in standard deviations.
    pub(crate) start: f64,
    wider: f64,
    narrower: f64,
}

impl Lesson {
    pub(crate) fn new(level: Level) -> Lesson {
        let missed = level.probability();
        Lesson { start: student(level), wider: (STEP * missed).exp(), narrower: (STEP * (missed - 1.0)).exp() }
    }

    /// Moves a factor by one outcome, so many standard deviations off.
    pub(crate) fn learn(self, factor: &mut f64, deviations: f64) {
        let step = if deviations > self.start * *factor { self.wider } else { self.narrower };
        *factor = (*factor * step).clamp(1.0 / MAX_FACTOR, MAX_FACTOR);
    }
}

/// How many times wider than at the start a level's intervals are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multipliers {
    /// The level.
    pub level: Level,
    /// Times the width at the start, 1, 2, ... sessions ahead.
    pub factors: Vec<f64>,
}

/// What makes the intervals of one origin: the scale that was chosen there, and what outcomes had taught by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The scale.
    pub scale: Scale,
    /// Its standard deviations of the change over the next 1, 2, ... sessions.
    pub deviations: Vec<f64>,
    /// One entry a level, lowest level first.
    pub multipliers: Vec<Multipliers>,
}

impl Calibration {
    /// Where there is no record to learn from: exponentially weighted changes, and what intervals begin with.
    pub fn first(series: &PriceSeries, horizon: usize) -> Calibration {
        let mut scales = Scales::new(&ScaleParameters::default());
        Shock::of(series.bars(), series.kind()).into_iter().for_each(|shock| scales.observe(shock));
        let deviations = scales.deviations(horizon)[Scale::Ewma as usize * horizon..][..horizon].to_vec();
        Calibration { scale: Scale::Ewma, deviations, multipliers: Vec::new() }
    }

    /// Standard deviation of the change over so many sessions. Beyond those it was estimated for, each further session
    /// adds what the last one did.
    pub(crate) fn deviation(&self, horizon: usize) -> f64 {
        let square = |h: usize| if h == 0 { 0.0 } else { self.deviations[h - 1].powi(2) };
        let known = self.deviations.len();
        if horizon <= known {
            return self.deviations[horizon - 1];
        }
        // Of a season that multiplies, a later period may be less uncertain than an earlier one.
        let last = (square(known) - square(known - 1)).max(0.0);
        (square(known) + last * (horizon - known) as f64).sqrt()
    }

    /// Half the width of an interval of the log price.
    pub(crate) fn half_width(&self, level: Level, horizon: usize) -> f64 {
        self.deviation(horizon) * student(level) * self.factor(level, horizon)
    }

    /// A level's factor; between two known levels what lies between their factors, beyond them the nearest one's.
    fn factor(&self, level: Level, horizon: usize) -> f64 {
        let of = |m: &Multipliers| m.factors.get(horizon - 1).or(m.factors.last()).copied().unwrap_or(1.0);
        let known = &self.multipliers;
        match known.iter().position(|m| m.level >= level) {
            Some(0) => of(&known[0]),
            Some(above) if known[above].level == level => of(&known[above]),
            Some(above) => {
                let (a, b) = (&known[above - 1], &known[above]);
                let share = (level.percent() - a.level.percent()) / (b.level.percent() - a.level.percent());
                of(a) + share * (of(b) - of(a))
            }
            None => known.last().map_or(1.0, of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(percent: f64) -> Level {
        Level::try_from(percent).expect("a level")
    }

    /// Where the level's share holds, steps balance.
    #[test]
    fn steps_balance_at_the_level() {
        let (lesson, mut factor) = (Lesson::new(level(80.0)), 1.0);
        for t in 0..1_000 {
            lesson.learn(&mut factor, if t % 5 == 0 { 9.0 } else { 0.0 });
        }
        assert!((factor - 1.0).abs() < 1e-9, "{factor}");
        (0..10_000).for_each(|_| lesson.learn(&mut factor, f64::INFINITY));
        assert_eq!(factor, MAX_FACTOR);
    }

    #[test]
    fn between_levels_and_beyond_horizons() {
        let multipliers = vec![
            Multipliers { level: level(80.0), factors: vec![1.0, 2.0] },
            Multipliers { level: level(95.0), factors: vec![1.5, 4.0] },
        ];
        let calibration = Calibration { multipliers, scale: Scale::Ewma, deviations: vec![0.01, 0.015] };
        assert_eq!(calibration.factor(level(80.0), 2), 2.0);
        assert_eq!(calibration.factor(level(87.5), 2), 3.0);
        assert_eq!((calibration.factor(level(50.0), 9), calibration.factor(level(99.0), 9)), (2.0, 4.0));
        // Each further session adds a variance of 0.015^2 - 0.01^2.
        assert!((calibration.deviation(4).powi(2) - (0.000_225 + 2.0 * 0.000_125)).abs() < 1e-12);
    }

    #[test]
    fn beyond_the_horizon_it_stays_a_number() {
        let falling = Calibration { scale: Scale::Model, deviations: vec![2.0, 1.0], multipliers: Vec::new() };
        assert_eq!(falling.deviation(60), 1.0);
    }

    /// Deviation 1 and no miss to learn from: a Student distribution with variance 1.
    #[test]
    fn it_begins_with_heavy_tails() {
        let start = Calibration { scale: Scale::Constant, deviations: vec![1.0], multipliers: Vec::new() };
        assert!((start.half_width(level(80.0), 1) - 1.396_815 * 0.75_f64.sqrt()).abs() < 1e-5);
        assert!((start.half_width(level(95.0), 1) - 2.306_004 * 0.75_f64.sqrt()).abs() < 1e-5);
    }
}
