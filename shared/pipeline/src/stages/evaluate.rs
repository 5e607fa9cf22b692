use std::collections::BTreeSet;

use forecasting::{ChampionEvidence, LiveRecord, Score, Specification, Ticker, TradingDay, Training};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, parse, read_snapshot},
    fetch::Snapshot,
    forecast::Forecasted,
};
use crate::{Archive, Champion, Error, Ledger, ModelVersion, Run, Stage, VersionId};

/// What became of the standing forecasts, and whether to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Forecasts whose session has come and that no evaluation before has scored.
    pub scores: Vec<VersionScore>,
    /// Scores so far of what the champion is, these included: a refit is the same model on newer data.
    pub live: LiveRecord,
    /// Train a challenger, or not, and why.
    pub training: Training,
}

/// One scored step of a forecast, and who made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionScore {
    /// The version that made the forecast.
    pub version: VersionId,
    /// What it is.
    pub specification: Specification,
    /// How it turned out.
    #[serde(flatten)]
    pub score: Score,
}

/// As far back as live scores count.
const LIVE_SESSIONS: usize = 250;
/// Forecasts that may still have sessions to come.
const STANDING: usize = 100;

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
    let earlier = live_scores(ledger, ticker, place.as_of).await?;
    let champion = champion_on(ledger, ticker, place.as_of).await?;

    let scored: BTreeSet<_> = earlier.iter().map(|earlier| earlier.score.place()).collect();
    let mut origins = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Forecast, place.as_of, STANDING).await? {
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
    let live = match &champion {
        None => LiveRecord::of(&[]),
        Some(champion) => {
            let all = scores.iter().chain(&earlier);
            let own = all.filter(|s| s.specification == champion.specification);
            LiveRecord::of(&own.map(|s| s.score.clone()).collect::<Vec<Score>>())
        }
    };
    let evidence = match &champion {
        None => None,
        Some(champion) => Some(evidence(archive, ticker, champion, &series, live.clone()).await?),
    };
    let training = run.configuration.policy.decide(evidence.as_ref());
    let result = Evaluated { scores, live, training };
    place.commit(ledger, Stage::Evaluate, &result).await
}

async fn evidence(
    archive: &dyn Archive,
    ticker: &Ticker,
    champion: &Champion,
    series: &forecasting::PriceSeries,
    live: LiveRecord,
) -> Result<ChampionEvidence, Error> {
    let age = match ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await {
        Ok(version) => Some(version.last.sessions_until(series.last().day)),
        Err(error) if error.is_transient() => return Err(error),
        // Training is what mends it.
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            None
        }
    };
    Ok(ChampionEvidence { age, backtest_relative_error: champion.backtest_skill.map(|skill| 1.0 - skill), live })
}

/// Live scores up to this session, each step of each origin once.
pub(crate) async fn live_scores(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: TradingDay,
) -> Result<Vec<VersionScore>, Error> {
    let mut seen = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Evaluate, up_to, LIVE_SESSIONS).await? {
        let evaluated: Evaluated = parse(&record)?;
        scores.extend(evaluated.scores.into_iter().filter(|scored| seen.insert(scored.score.place())));
    }
    Ok(scores)
}
