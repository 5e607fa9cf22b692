//! Rows that arrive one by one: each is kept once, in the order in which it became known, and takes the model in service a period further.
//! docs/streams.md has the rules.

mod arrival;
mod head;
mod ingest;
mod market;
mod message;
mod rules;
mod verify;
mod working;

pub use arrival::{Arrival, Form, How, Kept, Mark, Offset, Position, Refused};
pub use head::{Head, Live};
pub use ingest::{Accepted, Ingest, Outcome};
pub use market::StreamMarket;
pub use message::{Format, Message, read};
pub use verify::{VerifiedStream, verify_stream};

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use forecasting::Ticker;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How many rows came to what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Counts {
    /// The next period of their series: the model in service took them in at once.
    pub advanced: u64,
    /// Kept until a run, because no model in service waits for them.
    pub waiting: u64,
    /// Later than the next period of their series.
    pub ahead: u64,
    /// Of a period that had passed without one.
    pub late: u64,
    /// Another value of a period that had one.
    pub revised: u64,
    /// What was known already.
    pub repeated: u64,
    /// What a newer revision had replaced before it came.
    pub outdated: u64,
    /// Refused, and kept under quarantine/ with the reason.
    pub refused: u64,
}

impl Counts {
    /// Each by its name, in the order in which they are shown.
    pub fn each(&self) -> [(&'static str, u64); 8] {
        self.clone().each_mut().map(|(name, n)| (name, *n))
    }

    /// The same, to be set.
    pub fn each_mut(&mut self) -> [(&'static str, &mut u64); 8] {
        [
            ("advanced", &mut self.advanced),
            ("waiting", &mut self.waiting),
            ("ahead", &mut self.ahead),
            ("late", &mut self.late),
            ("revised", &mut self.revised),
            ("repeated", &mut self.repeated),
            ("outdated", &mut self.outdated),
            ("refused", &mut self.refused),
        ]
    }

    /// All of them.
    pub fn rows(&self) -> u64 {
        self.each().iter().map(|(_, n)| n).sum()
    }

    /// Adds others.
    pub fn add(&mut self, other: &Counts) {
        for ((_, n), (_, more)) in self.each_mut().into_iter().zip(other.each()) {
            *n += more;
        }
    }
}

/// As in `3 rows: 2 advanced, 1 refused`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} row{}", self.rows(), if self.rows() == 1 { "" } else { "s" })?;
        for (place, (name, n)) in self.each().into_iter().filter(|(_, n)| *n > 0).enumerate() {
            write!(f, "{} {n} {name}", if place == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// What one step keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// Where the rows came from.
    pub source: String,
    /// By series: its rows in their order, the head that they were derived from, and the head that they leave.
    pub series: BTreeMap<Ticker, Kin>,
    /// How far each partition of the source is read: up to where it was, and the next position from now on.
    pub positions: BTreeMap<i32, (Option<i64>, i64)>,
    /// What became of the rows.
    pub counts: Counts,
    /// Rows that the source still had, where it tells.
    pub lag: Option<u64>,
    /// When the step was taken.
    pub at: Option<Timestamp>,
}

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Source {
    /// What became of its rows.
    pub counts: Counts,
    /// Rows that it still had at the last step.
    pub lag: Option<u64>,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// What one step keeps of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Kin {
    /// New rows.
    pub rows: Vec<Kept>,
    /// [`Head::version`] of the head that they were derived from; 0 where there was none.
    pub before: u64,
    /// The head that they leave.
    pub head: Head,
}

/// The log of what arrived.
///
/// * **Atomic and durable.** [`Streams::keep`] happens wholly or not at all for each series, and survives a power cut once it has answered;
///   where rows of several series and positions are kept by one store on one machine, all of it is one step.
/// * **Nobody overwrites another.** Where a head, or a position, is not what the step was derived from, nothing of it is kept, and the answer is [`Error::Raced`].
#[async_trait]
pub trait Streams: Send + Sync {
    /// The next position of each partition of a source that was read before.
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error>;

    /// The rows of these periods of a series, in the order in which they were kept.
    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error>;

    /// All rows of a series, in the order in which they were kept.
    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error>;

    /// Keeps rows, heads and positions.
    async fn keep(&self, step: &Step) -> Result<(), Error>;

    /// Every series that has rows.
    async fn streamed(&self) -> Result<Vec<Ticker>, Error>;

    /// Every source that rows came from, by name.
    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error>;

    /// A number that is another one as soon as a run has committed a result, where that costs next to nothing to know.
    async fn nights(&self) -> Result<Option<i64>, Error> {
        Ok(None)
    }
}
