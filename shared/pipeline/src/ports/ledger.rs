use std::fmt;

use async_trait::async_trait;
use forecasting::{Stamp, Ticker};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Chain, Chained, Champion, Closure, Error, Link, Receipt, Run, RunEntry, RunId,
    stream::{Head, Kept},
};

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

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the result of {} for {} in run {}", self.stage, self.ticker, self.run)
    }
}

/// A committed result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRecord {
    /// What it is filed under.
    pub key: StageKey,
    /// The run's as-of session.
    pub as_of: Stamp,
    /// The result as JSON; the stage knows its shape.
    pub result: String,
}

impl StageRecord {
    /// The result, in the shape that its stage gave it.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it has another.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.result)
            .map_err(|error| Error::Damaged { key: self.key.to_string(), reason: error.to_string() })
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

/// What became of records that were to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// All of them stand, in their order.
    Wholly,
    /// Some of it stood before: nothing has been added.
    Stood,
}

/// What a run has committed for a ticker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfRun {
    /// Each with its place in the ticker's chain, in that order.
    pub records: Vec<(u64, Chained)>,
    /// The last one's link.
    pub end: Option<Link>,
}

impl OfRun {
    /// The results among them, in the order of the stages.
    pub fn results(self) -> Vec<StageRecord> {
        let mut results: Vec<StageRecord> = Vec::with_capacity(self.records.len());
        results.extend(self.records.into_iter().filter_map(|(_, record)| match record {
            Chained::Result(record) => Some(record),
            Chained::Receipt(..) => None,
        }));
        results.sort_by_key(|record| record.key.stage);
        results
    }
}

/// Runs, stage results, receipts and the champion pointer.
///
/// * **Atomic and durable.** Each call happens wholly or not at all, and survives a power cut once it has answered.
/// * **A ticker's records are a log.** `append` adds results and receipts to the end of its [`Chain`], and moves the champion
///   pointer where a receipt says so, in one step. "Newest" is by session, then by place in the log, never by a clock.
/// * **First wins.** A run has one result of a stage and one receipt for a ticker: where one stands, `append` adds nothing and says so, and
///   `open_run` answers with the run that stands. What is delivered twice, or raced, goes on from there.
/// * **Verdicts rest on the champion that they expected.** Where a receipt is appended, the pointer must still be what was
///   expected, otherwise nothing happens and the answer is [`Error::ChampionMoved`].
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

    /// Adds records of one run to a ticker's chain. `expected` is the champion pointer that a receipt among them rests on.
    async fn append(
        &self,
        ticker: &Ticker,
        records: &[Chained],
        expected: Option<&Champion>,
    ) -> Result<Appended, Error>;

    /// What a run has committed for a ticker.
    async fn of_run(&self, run: &RunId, ticker: &Ticker) -> Result<OfRun, Error>;

    /// The results of that, in the order of the stages.
    async fn results(&self, run: &RunId, ticker: &Ticker) -> Result<Vec<StageRecord>, Error> {
        Ok(self.of_run(run, ticker).await?.results())
    }

    /// Looks for damage that no record tells, in whatever the store is made of.
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Every series that has records, where that is known without reading them all; otherwise `None`.
    async fn tickers(&self) -> Result<Option<Vec<Ticker>>, Error> {
        Ok(None)
    }

    /// Commits one result by itself, and answers with the one that stands.
    async fn commit(&self, record: StageRecord) -> Result<StageRecord, Error> {
        let added = self.append(&record.key.ticker, &[Chained::Result(record.clone())], None).await?;
        match added {
            Appended::Wholly => Ok(record),
            Appended::Stood => {
                let missing = || Error::Missing { key: record.key.to_string() };
                self.committed(&record.key).await?.ok_or_else(missing)
            }
        }
    }

    /// The committed result, if there is one.
    async fn committed(&self, key: &StageKey) -> Result<Option<StageRecord>, Error> {
        Ok(self.results(&key.run, &key.ticker).await?.into_iter().find(|record| record.key.stage == key.stage))
    }

    /// Results of a stage for a ticker with an as-of up to this one: newest first by as-of, then by their place.
    async fn history(
        &self,
        ticker: &Ticker,
        stage: Stage,
        up_to: Stamp,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error>;

    /// Appends tries of stages, all of one run.
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

    /// What the rows that arrived of a ticker have come to; none where none arrive.
    async fn head(&self, _ticker: &Ticker) -> Result<Option<Head>, Error> {
        Ok(None)
    }

    /// The rows that arrived of a period of a ticker and of all after it, in the order in which they were kept; none where none arrive.
    async fn arrived(&self, _ticker: &Ticker, _from: i64) -> Result<Vec<Kept>, Error> {
        Ok(Vec::new())
    }

    /// All receipts of a ticker: newest first by as-of, then by their place.
    async fn receipts(&self, ticker: &Ticker) -> Result<Vec<Receipt>, Error>;

    /// All results and receipts of a ticker in their order.
    async fn chain(&self, ticker: &Ticker) -> Result<Chain, Error>;

    /// Removes all of them, and the champion pointer: the ticker is as if it had never been. Only its owner asks for it.
    async fn forget(&self, ticker: &Ticker) -> Result<(), Error>;
}
