use std::collections::BTreeSet;

use forecasting::{LiveRecord, LiveSums, Period, PriceSeries, Score, Specification, Stamp, Ticker, Training};
use serde::{Deserialize, Serialize};

use crate::{Error, Ledger, Market, Stage, VersionId};

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
    /// What `live` is made of; absent from earlier releases' evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<LiveSums>,
    /// The prices that standing forecasts have been scored on; absent from earlier releases' evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// Prices on which every standing forecast has been scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Whose.
    pub market: Market,
    /// Their last session.
    pub last: Period,
    /// How many sessions have a bar.
    pub bars: usize,
    /// The oldest origin whose forecast had sessions to come then, or this night's; absent from earlier releases' evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Period>,
}

impl Seen {
    /// All prices of this series.
    pub(crate) fn all(market: Market, series: &PriceSeries, open: Period) -> Seen {
        Seen { market, last: series.last().day, bars: series.bars().len(), open: Some(open) }
    }

    /// Whether everything that this market's series has beyond them is later: no session that was missing has come since.
    pub(crate) fn is_the_beginning_of(&self, market: Market, series: &PriceSeries) -> bool {
        self.market == market && series.bars().len() - series.after(self.last).len() == self.bars
    }
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

/// Live scores up to this session, each step of each origin once, from the newest evaluations.
pub(crate) async fn live_scores(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: Stamp,
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

/// What the live scores of one specification up to this session add up to, from the evaluations on record and the one that is not yet.
pub(crate) async fn live_sums(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    up_to: Stamp,
    specification: &Specification,
    tonight: Option<&Evaluated>,
) -> Result<LiveSums, Error> {
    let mut newest_first: Vec<Vec<VersionScore>> = tonight.iter().map(|tonight| tonight.scores.clone()).collect();
    for record in ledger.history(ticker, Stage::Evaluate, up_to, LiveSums::MAX_EVALUATIONS).await? {
        newest_first.push(record.parse::<Evaluated>()?.scores);
    }
    newest_first.truncate(LiveSums::MAX_EVALUATIONS);
    let mut seen = BTreeSet::new();
    let mut evaluations = Vec::new();
    for mut scores in newest_first {
        scores.retain(|scored| seen.insert(scored.score.place()) && scored.specification == *specification);
        evaluations.push(scores);
    }
    let mut sums = LiveSums::default();
    for scores in evaluations.iter().rev() {
        sums.add(scores.iter().map(|scored| &scored.score));
    }
    Ok(sums)
}
