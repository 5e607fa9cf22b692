use std::collections::{BTreeMap, BTreeSet};

use forecasting::{
    BUDGET_SESSIONS, Coverage, Decision, IntervalKind, Level, MIN_ORIGINS, Period, Score, SkillInterval, Specification,
    Stamp, Ticker,
};
use serde::Serialize;

use super::scores::ALL_EVALUATIONS;
use crate::{
    Archive, Digest, Error, Ledger, Receipt, VersionScore,
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
    /// Nights of a ticker that were done.
    pub done: usize,
    /// Nights of a ticker that failed or were skipped.
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
    /// The same forecasts month by month of their outcomes, oldest first.
    pub months: Vec<Month>,
    /// Where outcomes fell among the served quantiles, from the lowest.
    pub outcomes: Vec<Bin>,
    /// Whom nights have put in service in place of another, newest first, and what became of them.
    pub promotions: Vec<Promotion>,
}

/// Forecasts whose outcome came in one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    /// `2020-03`.
    pub month: String,
    /// Forecasts.
    pub forecasts: usize,
    /// Skill against the random walk; `None` of too few sessions.
    pub skill: Option<SkillInterval>,
    /// Share of outcomes inside the served intervals, of each level.
    pub coverage: Vec<Coverage>,
}

/// Outcomes between two served quantiles: a bin of the probability integral transform's histogram (Dawid 1984), as wide as the intervals' levels make it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// The lower quantile, as a probability.
    pub from: f64,
    /// The upper one.
    pub to: f64,
    /// Share of outcomes in it; calibrated, it is `to - from`.
    pub share: f64,
}

/// One contender that took another's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promotion {
    /// Of which series.
    pub ticker: Ticker,
    /// In which night.
    pub as_of: Stamp,
    /// What it is, in words.
    pub model: String,
    /// Its live forecasts that were scored since.
    pub forecasts: usize,
    /// Their skill against the random walk; `None` of none.
    pub skill: Option<f64>,
    /// In which night it went out of service; `None` while it serves.
    pub until: Option<Stamp>,
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
    let (mut all, mut promotions) = (Vec::new(), Vec::new());
    for ticker in &tickers {
        let scores = live_scores(ledger, ticker, end_of_time(), ALL_EVALUATIONS).await?;
        promotions.extend(promoted(&ledger.receipts(ticker).await?, &scores));
        all.extend(scores.into_iter().map(|scored| (ticker.clone(), scored)));
    }
    promotions.sort_by(|a, b| (b.as_of, &a.ticker).cmp(&(a.as_of, &b.ticker)));
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
        skill: skill_interval(scores.iter().map(|(_, score)| *score)),
        structured: (structured.len(), skill_interval(structured.into_iter())),
        expected_false: allowed.min(structured_tickers.len() as f64),
        structured_tickers: structured_tickers.len(),
        intervals: kinds.into_iter().map(|kind| KindOfIntervals::of(kind, &scores)).collect(),
        months: months(&scores),
        outcomes: bins(&scores),
        promotions,
    })
}

/// Each receipt that put another in service in a person's or a rule's name; they come newest first.
fn promoted(receipts: &[Receipt], scores: &[VersionScore]) -> Vec<Promotion> {
    let mut promotions = Vec::new();
    let mut until: Option<Stamp> = None;
    for receipt in receipts {
        let model = &receipt.champion.specification;
        let puts_another = matches!(receipt.decision, Decision::Promote | Decision::Demote | Decision::Rollback);
        if receipt.decision == Decision::Promote && receipt.before.is_some() {
            let is_its = |scored: &&VersionScore| {
                let at = scored.score.origin.stamp();
                scored.specification == *model && at >= receipt.as_of && until.is_none_or(|until| at < until)
            };
            let own: Vec<&Score> = scores.iter().filter(is_its).map(|scored| &scored.score).collect();
            let walk: f64 = own.iter().map(|score| score.naive_error).sum();
            promotions.push(Promotion {
                ticker: receipt.ticker.clone(),
                as_of: receipt.as_of,
                model: model.to_string(),
                forecasts: own.len(),
                skill: (walk > 0.0).then(|| 1.0 - own.iter().map(|score| score.error).sum::<f64>() / walk),
                until,
            });
        }
        if puts_another {
            until = Some(receipt.as_of);
        }
    }
    promotions
}

fn months(scores: &[(&Ticker, &Score)]) -> Vec<Month> {
    let mut months: BTreeMap<String, Vec<(&Ticker, &Score)>> = BTreeMap::new();
    for scored in scores {
        months.entry(scored.1.date.date().strftime("%Y-%m").to_string()).or_default().push(*scored);
    }
    let month = |(month, scores): (String, Vec<(&Ticker, &Score)>)| Month {
        month,
        forecasts: scores.len(),
        skill: skill_interval(scores.iter().map(|(_, score)| *score)),
        coverage: served(&scores).iter().map(coverage).collect(),
    };
    months.into_iter().map(month).collect()
}

/// Of the forecasts that were served with both the same levels and a known outcome.
fn bins(scores: &[(&Ticker, &Score)]) -> Vec<Bin> {
    let Some(levels) = scores.last().map(|(_, score)| levels(score)) else { return Vec::new() };
    let mut ends: Vec<f64> = vec![0.0, 0.5, 1.0];
    for level in &levels {
        ends.extend([0.5 - level.probability() / 2.0, 0.5 + level.probability() / 2.0]);
    }
    ends.sort_by(f64::total_cmp);
    let mut counts = vec![0usize; ends.len() - 1];
    for (_, score) in scores.iter().filter(|(_, score)| self::levels(score) == levels) {
        let Some(prices) = score.prices else { continue };
        // Counted from the median outwards: the intervals that did not hold it are nested.
        let outside = score.inside.iter().filter(|(_, inside)| !inside).count();
        let middle = counts.len() / 2;
        let above = prices.actual >= prices.mean;
        counts[if above { middle + outside } else { middle - 1 - outside }] += 1;
    }
    let n: usize = counts.iter().sum();
    let share = |count: usize| count as f64 / n.max(1) as f64;
    ends.windows(2).zip(counts).map(|(ends, count)| Bin { from: ends[0], to: ends[1], share: share(count) }).collect()
}

fn levels(score: &Score) -> Vec<Level> {
    score.inside.iter().map(|(level, _)| *level).collect()
}

/// Skill over the baseline, with a 95 % interval. Of one session the errors of all tickers go together: they move together, and are no independent draws. `None` of too few
/// sessions to say how sure it is.
pub fn skill_interval<'a>(scores: impl Iterator<Item = &'a Score>) -> Option<SkillInterval> {
    let mut origins: BTreeMap<Period, (f64, f64)> = BTreeMap::new();
    let mut horizon = 1;
    for score in scores {
        let (own, walk) = origins.entry(score.origin).or_default();
        *own += score.error;
        *walk += score.naive_error;
        horizon = horizon.max(score.horizon);
    }
    if origins.len() < MIN_ORIGINS.max(4 * horizon) {
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
    counted(scores, |score| score.inside_of(kind))
}

/// Of whichever kind was served.
fn served<'a>(scores: &[(&'a Ticker, &Score)]) -> Vec<Held<'a>> {
    counted(scores, |score| &score.inside)
}

fn counted<'a>(scores: &[(&'a Ticker, &Score)], of: impl Fn(&Score) -> &[(Level, bool)]) -> Vec<Held<'a>> {
    let mut held: Vec<Held<'a>> = Vec::new();
    for (ticker, score) in scores {
        for (level, inside) in of(score) {
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
