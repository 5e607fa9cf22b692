//! Scores of forecasts that were really made, against the bars that came.

use serde::{Deserialize, Serialize};

use crate::{Coverage, Error, Level, PriceForecast, PriceSeries, TradingDay};

/// A forecast on record: made at one origin, in the basis of that day's prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingForecast {
    /// The last session it knew.
    pub origin: TradingDay,
    /// The adjusted close there, which fixes its basis.
    pub price: f64,
    /// One step a session.
    pub steps: Vec<Step>,
}

/// The forecast of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Sessions ahead.
    pub horizon: usize,
    /// The session.
    pub date: TradingDay,
    /// The central forecast: the median of the price.
    pub mean: f64,
    /// Central intervals.
    pub intervals: Vec<Interval>,
}

/// A central prediction interval of one session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its probability.
    pub level: Level,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// How one step of a standing forecast turned out; errors are fractions of the price at the origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Where the forecast was made.
    pub origin: TradingDay,
    /// Sessions ahead.
    pub horizon: usize,
    /// The session that was forecast.
    pub date: TradingDay,
    /// Absolute error of the central forecast.
    pub error: f64,
    /// Absolute error of the random walk, which forecasts the price at the origin.
    pub naive_error: f64,
    /// Which intervals held.
    pub inside: Vec<(Level, bool)>,
}

impl Score {
    /// Which step of which origin's forecast it is: each is scored once.
    pub fn place(&self) -> (TradingDay, usize) {
        (self.origin, self.horizon)
    }
}

impl StandingForecast {
    /// Writes a forecast down: one step for each session after the origin.
    pub fn new(origin: TradingDay, price: f64, forecast: &PriceForecast, levels: &[Level]) -> StandingForecast {
        let intervals: Vec<_> = levels.iter().map(|&level| (level, forecast.interval(level))).collect();
        let mut date = origin;
        let steps = forecast
            .central()
            .into_iter()
            .enumerate()
            .map(|(h, mean)| {
                date = date.next();
                Step {
                    horizon: h + 1,
                    date,
                    mean,
                    intervals: intervals
                        .iter()
                        .map(|(level, (lower, upper))| Interval { level: *level, lower: lower[h], upper: upper[h] })
                        .collect(),
                }
            })
            .collect();
        StandingForecast { origin, price, steps }
    }

    /// Scores the steps whose session has come, in the present basis of the series.
    ///
    /// # Errors
    /// [`Error::NoBar`] where the series no longer has the origin: nothing tells the factor between the two bases.
    pub fn score(&self, series: &PriceSeries) -> Result<Vec<Score>, Error> {
        let due: Vec<(&Step, f64)> =
            self.steps.iter().filter_map(|step| Some((step, series.on(step.date)?.adjusted_close))).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let base = series.on(self.origin).ok_or_else(|| Error::NoBar { date: self.origin.date() })?.adjusted_close;
        // Relative to the origin's price, a forecast is the same number in every basis.
        let scores = due.into_iter().map(|(step, actual)| {
            let outcome = actual / base;
            Score {
                origin: self.origin,
                horizon: step.horizon,
                date: step.date,
                error: (step.mean / self.price - outcome).abs(),
                naive_error: (1.0 - outcome).abs(),
                inside: step
                    .intervals
                    .iter()
                    .map(|i| (i.level, i.lower / self.price <= outcome && outcome <= i.upper / self.price))
                    .collect(),
            }
        });
        Ok(scores.collect())
    }
}

/// Without the rounding of exp(ln p): the random walk's skill over itself is 0, not -4e-15.
fn shorn(skill: f64) -> f64 {
    (skill * 1e12).round() / 1e12 + 0.0
}

/// What live scores add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveRecord {
    /// Forecasts scored.
    pub n: usize,
    /// 1 - mean absolute error over that of the random walk on the same sessions; `None` without any error to beat.
    pub skill: Option<f64>,
    /// How often the intervals held.
    pub coverage: Vec<Coverage>,
}

impl LiveRecord {
    /// Adds up.
    pub fn of(scores: &[Score]) -> LiveRecord {
        let error: f64 = scores.iter().map(|s| s.error).sum();
        let naive: f64 = scores.iter().map(|s| s.naive_error).sum();
        let mut levels: Vec<Level> = Vec::new();
        for (level, _) in scores.iter().flat_map(|s| &s.inside) {
            if !levels.contains(level) {
                levels.push(*level);
            }
        }
        let coverage = levels
            .into_iter()
            .map(|level| {
                let outcomes: Vec<bool> =
                    scores.iter().flat_map(|s| &s.inside).filter(|(l, _)| *l == level).map(|(_, held)| *held).collect();
                let held = outcomes.iter().filter(|held| **held).count();
                Coverage { level, realised: held as f64 / outcomes.len() as f64, n: outcomes.len() }
            })
            .collect();
        LiveRecord { n: scores.len(), skill: (naive > 0.0).then(|| shorn(1.0 - error / naive)), coverage }
    }
}
