use std::collections::BTreeSet;

use forecasting::{LiveRecord, Score, Specification, Ticker, TradingDay, Training};
use serde::{Deserialize, Serialize};

use crate::{Error, Ledger, Stage, VersionId};

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
pub(crate) const LIVE_SESSIONS: usize = 250;

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
        let evaluated: Evaluated = record.parse()?;
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
