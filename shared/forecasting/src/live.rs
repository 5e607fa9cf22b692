//! Scores of forecasts that were really made, against the bars that came.

use serde::{Deserialize, Serialize};

use crate::{Coverage, Error, IntervalKind, Kind, Level, Period, PriceForecast, PriceSeries, scorecard::quantile_loss};

/// A forecast on record: made at one origin, in the basis of that day's prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingForecast {
    /// The last session it knew.
    pub origin: Period,
    /// The adjusted close there, which fixes its basis.
    pub price: f64,
    /// The kind of intervals that is served; the first forecasts on record knew but the models' own.
    #[serde(default = "models_own")]
    pub intervals: IntervalKind,
    /// What the numbers are.
    #[serde(default, skip_serializing_if = "Kind::is_price")]
    pub kind: Kind,
    /// One step a session.
    pub steps: Vec<StandingStep>,
}

fn models_own() -> IntervalKind {
    IntervalKind::Model
}

/// One step of a forecast on record: what is served, and what is kept beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingStep {
    /// What is served.
    #[serde(flatten)]
    pub served: Step,
    /// Standard error of the log price, at the adaptive intervals' scale; absent from the first forecasts on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// What the seasonal naive forecast was; absent where the measure is the value at the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naive: Option<f64>,
    /// The intervals of the kind that is not served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_intervals: Vec<Interval>,
}

/// The forecast of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Sessions ahead.
    pub horizon: usize,
    /// The session.
    pub date: Period,
    /// The central forecast: the median of the price.
    pub mean: f64,
    /// Central intervals.
    pub intervals: Vec<Interval>,
}

/// A central prediction interval of one session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interval {
    /// Its probability.
    pub level: Level,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// How one step of a standing forecast turned out; errors are fractions of the price at the origin, and differences of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    /// Where the forecast was made.
    pub origin: Period,
    /// Sessions ahead.
    pub horizon: usize,
    /// The session that was forecast.
    pub date: Period,
    /// The central forecast as it was served, and what came, in the basis of the origin's prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Outcome>,
    /// Absolute error of the central forecast.
    pub error: f64,
    /// Absolute error of the random walk, which forecasts the price at the origin; of the seasonal naive forecast where values have a season.
    pub naive_error: f64,
    /// Mean pinball loss of the median and the ends of the served intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinball: Option<f64>,
    /// The same of the other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_pinball: Option<f64>,
    /// Error of the log price in standard errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standardised: Option<f64>,
    /// Kind of the served intervals.
    #[serde(default = "models_own")]
    pub intervals: IntervalKind,
    /// Which of the served intervals held.
    pub inside: Vec<(Level, bool)>,
    /// Which of the other kind held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_inside: Vec<(Level, bool)>,
}

/// A forecast beside what came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// The central forecast.
    pub mean: f64,
    /// The adjusted close that came.
    pub actual: f64,
}

impl Score {
    /// Which step of which origin's forecast it is: each is scored once.
    pub fn place(&self) -> (Period, usize) {
        (self.origin, self.horizon)
    }

    /// The pinball loss with a kind's intervals; `None` where that kind was not on record.
    pub fn pinball_of(&self, kind: IntervalKind) -> Option<f64> {
        if kind == self.intervals { self.pinball } else { self.other_pinball }
    }

    /// Which intervals of a kind held; empty where that kind was not on record.
    pub fn inside_of(&self, kind: IntervalKind) -> &[(Level, bool)] {
        if kind == self.intervals { &self.inside } else { &self.other_inside }
    }
}

impl StandingForecast {
    /// Writes a forecast down, one step for each session after the origin: with the intervals that are served, and
    /// those of the other kind beside them.
    pub fn new(
        origin: Period,
        price: f64,
        served: &PriceForecast,
        other: &PriceForecast,
        levels: &[Level],
    ) -> StandingForecast {
        type Ends = (Level, (Vec<f64>, Vec<f64>));
        let ends = |forecast: &PriceForecast| levels.iter().map(|&l| (l, forecast.interval(l))).collect::<Vec<Ends>>();
        let (own, others) = (ends(served), ends(other));
        let at = |h: usize, ends: &[Ends]| {
            ends.iter().map(|(level, (l, u))| Interval { level: *level, lower: l[h], upper: u[h] }).collect()
        };
        // At present volatility, whichever kind is served: a wild week is no change of the model's errors.
        let scaled = if served.intervals() == IntervalKind::Adaptive { served } else { other };
        let errors = scaled.standard_errors();
        let mut date = origin;
        let step = |(h, mean): (usize, f64)| {
            date = date.next();
            StandingStep {
                served: Step { horizon: h + 1, date, mean, intervals: at(h, &own) },
                standard_error: Some(errors[h]),
                naive: None,
                other_intervals: at(h, &others),
            }
        };
        let steps = served.central().into_iter().enumerate().map(step).collect();
        StandingForecast { origin, price, intervals: served.intervals(), kind: served.kind(), steps }
    }

    /// With the values of a season ago for a measure, where there is a season of values: the newest are these, NaN where one is missing.
    #[must_use]
    pub fn measured_by(mut self, newest: &[f64], season: usize) -> StandingForecast {
        if !self.kind.is_price() && season > 1 && newest.len() >= season {
            let turn = &newest[newest.len() - season..];
            self.steps
                .iter_mut()
                .enumerate()
                .for_each(|(h, step)| step.naive = Some(turn[h % season]).filter(|value| !value.is_nan()));
        }
        self
    }

    /// Scores the steps whose session has come, in the present basis of the series.
    ///
    /// # Errors
    /// [`Error::NoBar`] where the series no longer has the origin: nothing tells the factor between the two bases.
    pub fn score(&self, series: &PriceSeries) -> Result<Vec<Score>, Error> {
        let due: Vec<(&StandingStep, f64)> =
            self.steps.iter().filter_map(|step| Some((step, series.on(step.served.date)?.adjusted_close))).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let base = series.on(self.origin).ok_or_else(|| Error::NoBar { date: self.origin.stamp() })?.adjusted_close;
        // Relative to the origin's price, a forecast is the same number in every basis. A value has but one.
        let outcome = |actual: f64| if self.kind == Kind::Price { actual / base } else { actual };
        Ok(due.into_iter().map(|(step, actual)| self.score_of(step, outcome(actual))).collect())
    }

    /// `outcome` is the price that came over that at the origin, or the value that came.
    fn score_of(&self, step: &StandingStep, outcome: f64) -> Score {
        let StandingStep { served, standard_error, naive: seasonal, other_intervals } = step;
        let (unit, naive) = match self.kind {
            Kind::Price => (self.price, 1.0),
            Kind::Value(_) => (1.0, seasonal.unwrap_or(self.price)),
        };
        let forecast = served.mean / unit;
        let held = |intervals: &[Interval]| {
            intervals.iter().map(|i| (i.level, i.lower / unit <= outcome && outcome <= i.upper / unit)).collect()
        };
        let error = (forecast - outcome).abs();
        let pinball = |intervals: &[Interval]| {
            let ends: f64 = intervals.iter().map(|i| i.pinball(outcome * unit) / unit).sum();
            (0.5 * error + ends) / (1 + 2 * intervals.len()) as f64
        };
        Score {
            origin: self.origin,
            horizon: served.horizon,
            date: served.date,
            prices: Some(Outcome { mean: served.mean, actual: outcome * unit }),
            error,
            naive_error: (naive - outcome).abs(),
            pinball: Some(pinball(&served.intervals)),
            other_pinball: Some(pinball(other_intervals)).filter(|_| !other_intervals.is_empty()),
            standardised: standard_error.filter(|e| *e > 0.0).map(|e| self.kind.change(forecast, outcome) / e),
            intervals: self.intervals,
            inside: held(&served.intervals),
            other_inside: held(other_intervals),
        }
    }
}

impl Interval {
    /// Sum of the pinball losses of both ends.
    fn pinball(&self, actual: f64) -> f64 {
        let tail = (1.0 - self.level.probability()) / 2.0;
        quantile_loss(actual, self.lower, tail) + quantile_loss(actual, self.upper, 1.0 - tail)
    }
}

/// Without the rounding of exp(ln p): the random walk's skill over itself is 0, not -4e-15.
fn rounded(skill: f64) -> f64 {
    (skill * 1e12).round() / 1e12 + 0.0
}

/// Sums of live scores, so that a night adds its own and reads no other. The oldest are forgotten, a block at a time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LiveSums(Vec<Block>);

/// The scores of so many evaluations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    evaluations: usize,
    n: usize,
    error: f64,
    naive_error: f64,
    /// Of each level, how often it held, and of how many.
    held: Vec<(Level, usize, usize)>,
}

/// Evaluations of a block, and how many blocks are kept: the last 200 to 250 evaluations.
const BLOCK: usize = 50;
const BLOCKS: usize = 5;

impl LiveSums {
    /// The most evaluations that are in it.
    pub const MAX_EVALUATIONS: usize = BLOCK * BLOCKS;

    /// Adds the scores of the next evaluation, of which there may be none.
    pub fn add<'a>(&mut self, scores: impl IntoIterator<Item = &'a Score>) {
        if self.0.last().is_none_or(|block| block.evaluations == BLOCK) {
            self.0.push(Block::default());
        }
        if self.0.len() > BLOCKS {
            self.0.remove(0);
        }
        let Some(block) = self.0.last_mut() else { return };
        block.evaluations += 1;
        for score in scores {
            block.n += 1;
            block.error += score.error;
            block.naive_error += score.naive_error;
            for (level, inside) in &score.inside {
                add_to(&mut block.held, *level, usize::from(*inside), 1);
            }
        }
    }

    /// What they add up to.
    pub fn record(&self) -> LiveRecord {
        let sum = |of: fn(&Block) -> f64| self.0.iter().map(of).sum::<f64>();
        let mut held = Vec::new();
        for (level, count, n) in self.0.iter().flat_map(|block| &block.held) {
            add_to(&mut held, *level, *count, *n);
        }
        let coverage = held.into_iter().map(|(level, held, n)| Coverage { level, realised: held as f64 / n as f64, n });
        let (error, naive) = (sum(|block| block.error), sum(|block| block.naive_error));
        LiveRecord {
            n: self.0.iter().map(|block| block.n).sum(),
            skill: (naive > 0.0).then(|| rounded(1.0 - error / naive)),
            coverage: coverage.collect(),
        }
    }
}

fn add_to(held: &mut Vec<(Level, usize, usize)>, level: Level, count: usize, n: usize) {
    match held.iter_mut().find(|(other, ..)| *other == level) {
        Some((_, sum, all)) => (*sum, *all) = (*sum + count, *all + n),
        None => held.push((level, count, n)),
    }
}

/// What live scores add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    pub fn of<'a>(scores: impl IntoIterator<Item = &'a Score>) -> LiveRecord {
        let mut sums = LiveSums::default();
        sums.add(scores);
        sums.record()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(error: f64, inside: bool) -> Score {
        let (origin, date) = ("2020-12-10".parse().expect("a session"), "2020-12-11".parse().expect("a session"));
        let level = Level::try_from(80.0).expect("a level");
        Score {
            origin,
            horizon: 1,
            date,
            prices: None,
            error,
            naive_error: 1.0,
            pinball: None,
            other_pinball: None,
            standardised: None,
            intervals: IntervalKind::Model,
            inside: vec![(level, inside)],
            other_inside: Vec::new(),
        }
    }

    #[test]
    fn sums_are_those_of_the_last_evaluations() {
        let all: Vec<Vec<Score>> =
            (0..610).map(|t| vec![score(f64::from(t % 7), t % 3 == 0); (t % 4) as usize]).collect();
        let mut sums = LiveSums::default();
        for (t, scores) in all.iter().enumerate() {
            sums.add(scores);
            let evaluations = if t < 250 { t + 1 } else { 201 + (t - 250) % 50 };
            let expected = LiveRecord::of(all[t + 1 - evaluations..=t].iter().flatten());
            let record = sums.record();
            assert_eq!((record.n, &record.coverage), (expected.n, &expected.coverage), "after {t}");
            assert!((record.skill.unwrap_or(0.0) - expected.skill.unwrap_or(0.0)).abs() < 1e-11, "after {t}");
        }
        assert!(sums.0.len() == 5 && serde_json::to_string(&sums).expect("writes").len() < 600);
    }
}
