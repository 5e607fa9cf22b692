use std::collections::BTreeSet;

use forecasting::{ChampionEvidence, LiveRecord, Score, Ticker, TradingDay, Training};
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
    /// The newest session that forecasts have been scored on.
    pub through: TradingDay,
    /// Forecasts whose session has come since the evaluation before.
    pub scores: Vec<VersionScore>,
    /// The champion's scores so far, these included.
    pub live: LiveRecord,
    /// Train a challenger, or not, and why.
    pub training: Training,
}

/// One scored step of a forecast, and the version that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionScore {
    /// Who made the forecast.
    pub version: VersionId,
    /// How it turned out.
    #[serde(flatten)]
    pub score: Score,
}

/// As far back as live scores count.
pub(crate) const LIVE_SESSIONS: usize = 250;
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
    let earlier = earlier_evaluations(ledger, ticker, place.as_of).await?;
    let champion = champion_on(ledger, ticker, place.as_of).await?;

    let scored_through = earlier.iter().map(|evaluated| evaluated.through).max();
    let mut origins = BTreeSet::new();
    let mut scores = Vec::new();
    for record in ledger.history(ticker, Stage::Forecast, place.as_of, STANDING).await? {
        let standing: Forecasted = parse(&record)?;
        // The newest forecast of each origin is the one that was served.
        if standing.forecast.origin >= series.last().day || !origins.insert(standing.forecast.origin) {
            continue;
        }
        let after = scored_through.unwrap_or(standing.forecast.origin);
        match standing.forecast.score(&series, after) {
            Ok(due) => scores.extend(
                due.into_iter().map(|score| VersionScore { version: standing.champion.version.clone(), score }),
            ),
            Err(error) => tracing::warn!(%ticker, %error, "a standing forecast cannot be scored"),
        }
    }
    let live = match &champion {
        None => LiveRecord::of(&[]),
        Some(champion) => {
            let all = scores.iter().chain(earlier.iter().flat_map(|evaluated| &evaluated.scores));
            let own: Vec<Score> = all.filter(|s| s.version == champion.version).map(|s| s.score.clone()).collect();
            LiveRecord::of(&own)
        }
    };
    let evidence = match &champion {
        None => None,
        Some(champion) => Some(evidence(archive, ticker, champion, &series, live.clone()).await?),
    };
    let training = run.configuration.policy.decide(evidence.as_ref());
    let result = Evaluated { through: series.last().day, scores, live, training };
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
        Ok(version) => version.last.sessions_until(series.last().day),
        Err(error) if error.is_transient() => return Err(error),
        // A champion that cannot be read is as old as can be: training is what mends it.
        Err(error) => {
            tracing::warn!(%ticker, %error, "the champion cannot be read");
            usize::MAX
        }
    };
    Ok(ChampionEvidence { age, backtest_relative_error: champion.backtest_skill.map(|skill| 1.0 - skill), live })
}

/// Evaluations up to this session, newest first.
pub(crate) async fn earlier_evaluations(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: TradingDay,
) -> Result<Vec<Evaluated>, Error> {
    ledger.history(ticker, Stage::Evaluate, up_to, LIVE_SESSIONS).await?.iter().map(parse).collect()
}
