use std::collections::{BTreeMap, BTreeSet};

use forecasting::{
    BUDGET_SESSIONS, Coverage, Decision, FEWEST_ORIGINS, IntervalKind, Level, Period, Score, SkillInterval,
    Specification, Stamp, Ticker,
};
use serde::Serialize;

use super::scores::ALL_EVALUATIONS;
use crate::{
    Archive, Digest, Error, Ledger,
    records::{end_of_time, live_scores},
};

/// What all runs on record add up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// Sessions of the runs, the first and the last.
    pub sessions: Option<(Stamp, Stamp)>,
    /// Runs.
    pub runs: usize,
    /// Tickers.
    pub tickers: usize,
    /// Nights of a ticker that were done, and those that failed or were skipped.
    pub done: usize,
    /// See `done`.
    pub not_done: usize,
    /// How often each verdict fell.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// Live forecasts that were scored.
    pub forecasts: usize,
    /// Skill against the random walk, of all tickers on the same sessions together.
    pub skill: Option<SkillInterval>,
    /// The same of the forecasts that a model which is no baseline made, and how many they are.
    pub structured: (usize, Option<SkillInterval>),
    /// Tickers that anything but the plain random walk served at some time.
    pub structured_tickers: usize,
    /// How many of them may be false, at most, by the error budget: its share of all tickers for each year of nights.
    pub expected_false: f64,
    /// Both kinds of intervals.
    pub intervals: Vec<KindOfIntervals>,
}

/// How one kind of intervals held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindOfIntervals {
    /// The kind.
    pub kind: IntervalKind,
    /// Mean pinball loss of the median and the intervals' ends.
    pub pinball: Option<f64>,
    /// Share of outcomes inside, of each level over all horizons.
    pub coverage: Vec<Coverage>,
    /// The same at each horizon.
    pub horizons: Vec<IntervalsAhead>,
    /// Lowest and highest share of the tickers, of each level.
    pub by_ticker: Vec<(Level, f64, f64)>,
}

/// How intervals of one kind held so many sessions ahead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalsAhead {
    /// Sessions ahead.
    pub horizon: usize,
    /// Mean pinball loss of the median and the intervals' ends.
    pub pinball: Option<f64>,
    /// Share of outcomes inside, of each level.
    pub coverage: Vec<Coverage>,
}

/// More runs than a lifetime has evenings.
const ALL_RUNS: usize = 100_000;

/// Adds up the verdicts of all runs on record and the scores of all their forecasts.
pub async fn results(archive: &dyn Archive, ledger: &dyn Ledger) -> Result<Results, Error> {
    let runs = ledger.runs(ALL_RUNS).await?;
    let (mut tickers, mut read): (BTreeSet<Ticker>, BTreeSet<Digest>) = (BTreeSet::new(), BTreeSet::new());
    let mut verdicts = BTreeMap::new();
    let (mut done, mut not_done) = (0, 0);
    for (entry, closure) in runs.iter().filter_map(|entry| Some((entry, entry.closure.as_ref()?))) {
        // Most nights are asked to do the same.
        if closure.tickers() > 0 && read.insert(entry.run.assignment.clone()) {
            tickers.extend(entry.run.tickers(archive).await?);
        }
        done += closure.done;
        not_done += closure.failed + closure.skipped;
        for (verdict, count) in &closure.verdicts {
            *verdicts.entry(Decision::as_str(*verdict)).or_insert(0) += count;
        }
    }
    let mut all = Vec::new();
    for ticker in &tickers {
        for scored in live_scores(ledger, ticker, end_of_time(), ALL_EVALUATIONS).await? {
            all.push((ticker.clone(), scored));
        }
    }
    let structured: Vec<&Score> =
        all.iter().filter(|(_, s)| !s.specification.is_baseline()).map(|(_, s)| &s.score).collect();
    let scores: Vec<(&Ticker, &Score)> = all.iter().map(|(ticker, s)| (ticker, &s.score)).collect();
    let structured_tickers: BTreeSet<&Ticker> =
        all.iter().filter(|(_, s)| s.specification != Specification::BASELINES[0]).map(|(ticker, _)| ticker).collect();
    let sessions: BTreeSet<_> = runs.iter().map(|run| run.run.as_of).collect();
    let years = sessions.len().div_ceil(BUDGET_SESSIONS);
    let budget = runs.first().map_or(0.0, |run| run.run.configuration.significance);
    let allowed = budget * (tickers.len() * years) as f64;
    let kinds = [IntervalKind::Model, IntervalKind::Adaptive];
    Ok(Results {
        sessions: runs.iter().map(|run| run.run.as_of).min().zip(runs.iter().map(|run| run.run.as_of).max()),
        runs: runs.len(),
        tickers: tickers.len(),
        done,
        not_done,
        verdicts,
        forecasts: all.len(),
        skill: skill(scores.iter().map(|(_, score)| *score)),
        structured: (structured.len(), skill(structured.into_iter())),
        expected_false: allowed.min(structured_tickers.len() as f64),
        structured_tickers: structured_tickers.len(),
        intervals: kinds.into_iter().map(|kind| KindOfIntervals::of(kind, &scores)).collect(),
    })
}

/// Of one session the errors of all tickers go together: they move together, and are no independent draws. `None` of too few
/// sessions to say how sure it is.
fn skill<'a>(scores: impl Iterator<Item = &'a Score>) -> Option<SkillInterval> {
    let mut origins: BTreeMap<Period, (f64, f64)> = BTreeMap::new();
    let mut horizon = 1;
    for score in scores {
        let (own, walk) = origins.entry(score.origin).or_default();
        *own += score.error;
        *walk += score.naive_error;
        horizon = horizon.max(score.horizon);
    }
    if origins.len() < FEWEST_ORIGINS.max(4 * horizon) {
        return None;
    }
    let (own, walk): (Vec<f64>, Vec<f64>) = origins.into_values().unzip();
    SkillInterval::of(&own, &walk, horizon)
}

/// Of one level: how many held, and of how many, by ticker.
type Held<'a> = (Level, BTreeMap<&'a Ticker, (usize, usize)>);

impl KindOfIntervals {
    fn of(kind: IntervalKind, scores: &[(&Ticker, &Score)]) -> KindOfIntervals {
        let held = held(kind, scores);
        let range = |(level, tickers): &Held<'_>| {
            let shares = || tickers.values().map(|(held, n)| *held as f64 / *n as f64);
            (*level, shares().fold(1.0, f64::min), shares().fold(0.0, f64::max))
        };
        let horizons: BTreeSet<usize> = scores.iter().map(|(_, score)| score.horizon).collect();
        let ahead = |horizon: usize| {
            let scores: Vec<_> = scores.iter().filter(|(_, score)| score.horizon == horizon).copied().collect();
            let coverage = self::held(kind, &scores).iter().map(coverage).collect();
            IntervalsAhead { horizon, pinball: pinball(kind, &scores), coverage }
        };
        KindOfIntervals {
            kind,
            pinball: pinball(kind, scores),
            coverage: held.iter().map(coverage).collect(),
            horizons: horizons.into_iter().map(ahead).collect(),
            by_ticker: held.iter().map(range).collect(),
        }
    }
}

fn pinball(kind: IntervalKind, scores: &[(&Ticker, &Score)]) -> Option<f64> {
    let losses: Vec<f64> = scores.iter().filter_map(|(_, score)| score.pinball_of(kind)).collect();
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}

fn held<'a>(kind: IntervalKind, scores: &[(&'a Ticker, &Score)]) -> Vec<Held<'a>> {
    let mut held: Vec<Held<'a>> = Vec::new();
    for (ticker, score) in scores {
        for (level, inside) in score.inside_of(kind) {
            let place = held.iter().position(|(l, _)| l == level).unwrap_or_else(|| {
                held.push((*level, BTreeMap::new()));
                held.len() - 1
            });
            let (count, n) = held[place].1.entry(ticker).or_default();
            *count += usize::from(*inside);
            *n += 1;
        }
    }
    held
}

fn coverage((level, tickers): &Held<'_>) -> Coverage {
    let (held, n) = tickers.values().fold((0, 0), |(a, b), (held, n)| (a + held, b + n));
    Coverage { level: *level, realised: held as f64 / n as f64, n }
}
