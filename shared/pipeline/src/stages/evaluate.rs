use std::collections::BTreeSet;

use forecasting::{
    ChampionEvidence, IntervalKind, LiveRecord, Multipliers, PriceSeries, Score, Specification, Ticker, TradingDay,
    Training, failing,
};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, parse, read_snapshot},
    fetch::Snapshot,
};
use crate::{Archive, Champion, Configuration, Error, Forecasted, Ledger, ModelVersion, Run, Stage, VersionId};

/// What became of the standing forecasts, and whether to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Forecasts whose session has come and that no evaluation before has scored.
    pub scores: Vec<VersionScore>,
    /// Scores so far of what the champion is, these included: a refit is the same model on newer data.
    pub live: LiveRecord,
    /// What the champion was; absent where there was none, and from the first evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Specification>,
    /// Train a challenger, or not, and why.
    pub training: Training,
    /// What its contest and its scores since then have taught the champion's adaptive intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipliers: Option<Multipliers>,
    /// Why the champion, promoted not long ago, is to give way to the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

/// One scored step of a forecast, and who made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionScore {
    /// The version that made the forecast.
    pub version: VersionId,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub specification: Specification,
    /// How it turned out.
    #[serde(flatten)]
    pub score: Score,
}

/// As far back as live scores count.
const LIVE_SESSIONS: usize = 250;
/// Forecasts that may still have sessions to come, and as many again for what other runs forecast for the same sessions.
fn standing(configuration: &Configuration) -> usize {
    20 + 2 * configuration.horizon
}

/// Scores the standing forecasts on the bars that came, once each, and asks the policy whether to train.
pub async fn evaluate(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    ticker: &Ticker,
) -> Result<Evaluated, Error> {
    let place = Place::new(run, ticker)?;
    if let Some(evaluated) = place.result(ledger, Stage::Evaluate).await? {
        return Ok(evaluated);
    }
    let snapshot: Snapshot = place.required(ledger, Stage::Fetch).await?;
    let series = read_snapshot(archive, ticker, &snapshot.snapshot).await?;
    let earlier = live_scores(ledger, ticker, place.as_of, LIVE_SESSIONS).await?;
    let last_contest = ledger.history(ticker, Stage::Train, place.as_of, 1).await?.pop().map(|record| record.as_of);
    let champion = champion_on(ledger, ticker, place.as_of).await?;

    let scored: BTreeSet<_> = earlier.iter().map(|earlier| earlier.score.place()).collect();
    let mut origins = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Forecast, place.as_of, standing(&run.configuration)).await? {
        let standing: Forecasted = parse(&record)?;
        // Of each origin, the forecast that was committed last is the one that is served.
        let same_market = standing.market == run.configuration.market;
        if !same_market || !origins.insert(standing.forecast.origin) {
            continue;
        }
        match standing.forecast.score(&series) {
            Ok(due) => scores.extend(due.into_iter().filter(|score| !scored.contains(&score.place())).map(|score| {
                let Champion { version, specification, .. } = standing.champion.clone();
                VersionScore { version, specification, score }
            })),
            Err(error) => tracing::warn!(%ticker, %error, "a standing forecast cannot be scored"),
        }
    }
    let all: Vec<&VersionScore> = scores.iter().chain(&earlier).collect();
    let configuration = &run.configuration;
    let result = match &champion {
        None => Evaluated {
            live: LiveRecord::of(&[]),
            of: None,
            training: configuration.policy.decide(configuration.error_bound, None),
            multipliers: None,
            failing: None,
            scores,
        },
        Some(champion) => {
            let own: Vec<Score> = of_specification(&all, champion).cloned().collect();
            let mut failing =
                still_fresh(champion, place.as_of, configuration).then(|| fails(&own, champion)).flatten();
            if failing.is_some() && !predecessor_can_serve(archive, champion, &series, configuration).await? {
                failing = None;
            }
            let training = match &failing {
                Some(reason) => Training { due: true, reason: reason.clone() },
                None => {
                    let age = age(archive, ticker, champion, series.last().day).await?;
                    let unasked = |s: &&&VersionScore| {
                        s.version == champion.version && last_contest.is_none_or(|last| s.score.origin >= last)
                    };
                    let scores = all.iter().filter(unasked).map(|s| s.score.clone()).collect();
                    let backtest_relative_error = champion.backtest_skill.map(|skill| 1.0 - skill);
                    let season = configuration.season;
                    let evidence = ChampionEvidence { age, backtest_relative_error, scores, season };
                    configuration.policy.decide(configuration.error_bound, Some(&evidence))
                }
            };
            let multipliers = Some(taught(champion, &own, configuration));
            let of = Some(champion.specification);
            Evaluated { live: LiveRecord::of(&own), of, training, multipliers, failing, scores }
        }
    };
    place.commit(ledger, Stage::Evaluate, &result).await
}

/// Scores of what the champion is, whichever version made the forecast.
fn of_specification<'a>(scores: &'a [&VersionScore], champion: &'a Champion) -> impl Iterator<Item = &'a Score> {
    scores.iter().filter(|scored| scored.specification == champion.specification).map(|scored| &scored.score)
}

/// Sessions since the last one that the champion was trained on; `None` where it cannot be read.
async fn age(
    archive: &dyn Archive,
    ticker: &Ticker,
    champion: &Champion,
    last: TradingDay,
) -> Result<Option<usize>, Error> {
    match ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await {
        Ok(version) => Ok(Some(version.last.sessions_until(last))),
        Err(error) if error.is_transient() => Err(error),
        // Training is what mends it.
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            Ok(None)
        }
    }
}

/// A promotion is on probation for as many sessions as its contest held out.
fn still_fresh(champion: &Champion, as_of: TradingDay, configuration: &Configuration) -> bool {
    champion.tenure.as_ref().is_some_and(|tenure| {
        tenure.predecessor.is_some() && tenure.since.sessions_until(as_of) <= configuration.holdout
    })
}

/// Whether whoever would be rolled back to can be read, and forecasts.
async fn predecessor_can_serve(
    archive: &dyn Archive,
    champion: &Champion,
    series: &PriceSeries,
    configuration: &Configuration,
) -> Result<bool, Error> {
    let Some(predecessor) = champion.tenure.as_ref().and_then(|tenure| tenure.predecessor.as_deref()) else {
        return Ok(false);
    };
    match can_serve(archive, predecessor, series, configuration).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            tracing::warn!(ticker = %series.ticker(), %error, "the champion fails, but the one before cannot serve");
            Ok(false)
        }
    }
}

/// Reads a version whole and forecasts with it, before it is put into service again.
pub(crate) async fn can_serve(
    archive: &dyn Archive,
    champion: &Champion,
    series: &PriceSeries,
    configuration: &Configuration,
) -> Result<(), Error> {
    let version = ModelVersion::read(archive, series.ticker(), &champion.version, Some(&champion.sha256)).await?;
    version.forecast(series, configuration.horizon, &Multipliers::start(&configuration.levels)).map(|_| ())
}

fn fails(own: &[Score], champion: &Champion) -> Option<String> {
    let tenure = champion.tenure.as_ref()?;
    let since: Vec<Score> = own.iter().filter(|score| score.origin >= tenure.since).cloned().collect();
    let reason = failing(&since, 1.0 - tenure.promised_skill?)?;
    Some(format!("promoted on {}, but {reason}", tenure.since))
}

/// The multipliers of the champion's contest, and what its scores since then add.
fn taught(champion: &Champion, own: &[Score], configuration: &Configuration) -> Multipliers {
    let mut multipliers = champion.multipliers.clone().unwrap_or_else(|| Multipliers::start(&configuration.levels));
    let mut since: Vec<&Score> = own.iter().filter(|score| score.date > champion.taught_until()).collect();
    since.sort_by_key(|score| (score.date, score.horizon));
    for score in since {
        for (level, inside) in score.inside_of(IntervalKind::Adaptive) {
            multipliers.learn(*level, *inside, configuration.horizon);
        }
    }
    multipliers
}

/// Live scores up to this session, each step of each origin once, from the newest evaluations.
pub(crate) async fn live_scores(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: TradingDay,
    evaluations: usize,
) -> Result<Vec<VersionScore>, Error> {
    let mut seen = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Evaluate, up_to, evaluations).await? {
        let evaluated: Evaluated = parse(&record)?;
        scores.extend(evaluated.scores.into_iter().filter(|scored| seen.insert(scored.score.place())));
    }
    Ok(scores)
}

/// Live scores up to this session, as far back as they count.
pub(crate) async fn recent_scores(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: TradingDay,
) -> Result<Vec<VersionScore>, Error> {
    live_scores(ledger, ticker, up_to, LIVE_SESSIONS).await
}

/// What the scores of one specification add up to.
pub(crate) fn live_record(scores: &[VersionScore], specification: &Specification) -> LiveRecord {
    let own = scores.iter().filter(|scored| scored.specification == *specification);
    LiveRecord::of(&own.map(|scored| scored.score.clone()).collect::<Vec<_>>())
}
