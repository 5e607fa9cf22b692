use std::fmt;

use async_trait::async_trait;
use forecasting::{Ticker, TradingDay};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Chain, Champion, Closure, Error, Receipt, Run, RunEntry, RunId};

/// The stages that commit a result for each ticker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Bars to a price snapshot.
    Fetch,
    /// Standing forecasts scored; train or not.
    Evaluate,
    /// The track record, and what it amounts to.
    Train,
    /// The verdict.
    Promote,
    /// The forecast table.
    Forecast,
}

impl Stage {
    /// In the order in which they run.
    pub const ALL: [Stage; 5] = [Stage::Fetch, Stage::Evaluate, Stage::Train, Stage::Promote, Stage::Forecast];

    /// As it stands in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Fetch => "fetch",
            Stage::Evaluate => "evaluate",
            Stage::Train => "train",
            Stage::Promote => "promote",
            Stage::Forecast => "forecast",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a stage's result is filed under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageKey {
    /// The run.
    pub run: RunId,
    /// The series.
    pub ticker: Ticker,
    /// The stage.
    pub stage: Stage,
}

/// A committed result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRecord {
    /// What it is filed under.
    pub key: StageKey,
    /// The run's as-of session.
    pub as_of: TradingDay,
    /// The result as JSON; the stage knows its shape.
    pub result: String,
}

impl StageRecord {
    /// The result, in the shape that its stage gave it.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it has another.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.result).map_err(|error| Error::Damaged {
            key: format!("the result of {} for {} in run {}", self.key.stage, self.key.ticker, self.key.run),
            reason: error.to_string(),
        })
    }
}

/// Whether a verdict moves the champion pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointing {
    /// To the receipt's champion.
    Move,
    /// Not at all: a later session has been served, and this is a replay of the past.
    Leave,
}

/// One try of a stage: for people who ask what a night did, and no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The series.
    pub ticker: Ticker,
    /// The stage.
    pub stage: Stage,
    /// When it ended, ISO 8601 in UTC.
    pub ended_at: String,
    /// How long it took.
    pub seconds: f64,
    /// Why it did not come to a result: an error, or that there is no bar yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setback: Option<String>,
}

/// Runs, stage results, receipts and the champion pointer.
///
/// * **Atomic and durable.** Each call happens wholly or not at all, and survives a power cut once it has answered.
/// * **First wins.** `open_run` and `commit` store what they are given unless something stands there already; both
///   answer with what stands. So a stage that is delivered twice, or raced, goes on from the first result.
/// * **In order.** Each result and each receipt of a ticker has its place in that ticker's [`Chain`], in the same step that stores
///   it. "Newest" is by session, then by that place, never by a clock.
/// * **Receipts are appended, never changed**, one per run and ticker. `decide` appends one and moves the champion
///   pointer in one step: the pointer must still be what was expected, otherwise nothing happens and the answer is
///   [`Error::ChampionMoved`]. Where the run's receipt stands already, nothing happens and that receipt is the answer.
/// * **Absent** is `None` or an empty list, never an error. A retry of any call is harmless.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Opens a run, or finds it open or closed already.
    async fn open_run(&self, run: &Run) -> Result<RunEntry, Error>;

    /// Closes a run; closing it again (after failed tickers were completed) replaces the closure.
    async fn close_run(&self, run: &RunId, closure: &Closure) -> Result<(), Error>;

    /// One run.
    async fn run(&self, run: &RunId) -> Result<Option<RunEntry>, Error>;

    /// The newest runs: by as-of, then in the order in which they were opened, descending.
    async fn runs(&self, limit: usize) -> Result<Vec<RunEntry>, Error>;

    /// Commits a stage's result and answers with the one that stands.
    async fn commit(&self, record: StageRecord) -> Result<StageRecord, Error>;

    /// The committed result, if there is one.
    async fn committed(&self, key: &StageKey) -> Result<Option<StageRecord>, Error>;

    /// Results of a stage for a ticker with an as-of up to this one: newest first by as-of, then by their place.
    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: TradingDay,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error>;

    /// Appends tries of stages, all of one run and one ticker.
    async fn record(&self, run: &RunId, attempts: &[Attempt]) -> Result<(), Error>;

    /// All tries of a run's stages, by when they ended.
    async fn attempts(&self, run: &RunId) -> Result<Vec<Attempt>, Error>;

    /// A number that is another one as soon as anything has been written, where that costs next to nothing to know;
    /// otherwise `None`.
    async fn revision(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    /// The model in service.
    async fn champion(&self, ticker: &Ticker) -> Result<Option<Champion>, Error>;

    /// Appends a receipt and moves the pointer from what is expected to the receipt's champion, or leaves it there.
    async fn decide(
        &self,
        receipt: &Receipt,
        expected: Option<&Champion>,
        pointing: Pointing,
    ) -> Result<Receipt, Error>;

    /// The receipt of a run.
    async fn receipt(&self, ticker: &Ticker, run: &RunId) -> Result<Option<Receipt>, Error>;

    /// All receipts of a ticker: newest first by as-of, then by their place.
    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error>;

    /// All results and receipts of a ticker in their order.
    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error>;

    /// Removes all of them, and the champion pointer: the ticker is as if it had never been. Only its owner asks for it.
    async fn forget(&self, ticker: &Ticker) -> Result<(), Error>;
}
