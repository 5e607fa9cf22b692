use std::collections::BTreeSet;

use forecasting::{ChampionEvidence, LiveRecord, Score, Specification, Ticker, TradingDay, Training};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, parse, read_snapshot},
    fetch::Snapshot,
    train::newest_trained,
};
use crate::{Archive, Champion, Configuration, Error, Forecasted, Ledger, ModelVersion, Run, Stage, VersionId};

/// What became of the standing forecasts, and whether to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Forecasts whose session has come and that no evaluation before has scored.
    pub scores: Vec<VersionScore>,
    /// Scores so far of what the champion is, these included, whichever version forecast.
    pub live: LiveRecord,
    /// What the champion was; absent where there was none, and from the first evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Specification>,
    /// Train the contenders, or not, and why.
    pub training: Training,
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
    let own: Vec<Score> = champion.iter().flat_map(|champion| of_specification(&all, champion)).cloned().collect();
    let evidence = match &champion {
        None => None,
        Some(champion) => {
            let trained = last_training(ledger, &place).await?;
            // What was asked once is answered: only what came since the last training counts.
            let unasked = |s: &&&VersionScore| {
                s.specification == champion.specification && trained.is_none_or(|last| s.score.origin >= last)
            };
            Some(ChampionEvidence {
                age: readable(archive, ticker, champion)
                    .await?
                    .then(|| trained.unwrap_or(champion.as_of).sessions_until(series.last().day)),
                promised_relative_error: champion.record_skill.map(|skill| 1.0 - skill),
                promised_error: champion.record_error,
                scores: all.iter().filter(unasked).map(|s| s.score.clone()).collect(),
                season: configuration.season,
            })
        }
    };
    let training = if configuration.train {
        Training { due: true, select: true, reason: "someone asked for it".to_owned() }
    } else {
        configuration.policy.decide(configuration.error_bound, evidence.as_ref())
    };
    let of = champion.map(|champion| champion.specification);
    let result = Evaluated { live: LiveRecord::of(&own), of, training, scores };
    place.commit(ledger, Stage::Evaluate, &result).await
}

/// Scores of what the champion is, whichever version made the forecast.
fn of_specification<'a>(scores: &'a [&VersionScore], champion: &'a Champion) -> impl Iterator<Item = &'a Score> {
    scores.iter().filter(|scored| scored.specification == champion.specification).map(|scored| &scored.score)
}

/// The session on which the contenders were last trained.
async fn last_training(ledger: &dyn Ledger, place: &Place<'_>) -> Result<Option<TradingDay>, Error> {
    Ok(newest_trained(ledger, place).await?.and_then(|(_, trained)| trained.trained))
}

/// Whether the champion can be read whole: where it cannot, training is what mends it.
async fn readable(archive: &dyn Archive, ticker: &Ticker, champion: &Champion) -> Result<bool, Error> {
    match ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            Ok(false)
        }
    }
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
