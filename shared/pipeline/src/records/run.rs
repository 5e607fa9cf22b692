//! Runs: their ids, how they are opened and closed.

use std::fmt;

use forecasting::Ticker;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Configuration, Key, RunId, VersionId};

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Trigger {
    /// The clock.
    Schedule,
    /// A person.
    Manual,
    /// A replay of past sessions.
    Backfill,
    /// New data under `incoming/`.
    Data,
    /// Degraded scores.
    Degraded,
}

/// An opened run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The day whose prices it may know. A session, unless the run closes as `no session`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub as_of: Date,
    /// What started it first.
    pub trigger: Trigger,
    /// What it was asked to do.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub configuration: Configuration,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RunStatus {
    /// Every ticker is done.
    #[serde(rename = "succeeded", alias = "closed")]
    Succeeded,
    /// Some tickers failed.
    #[serde(rename = "partial")]
    Partial,
    /// No ticker is done.
    #[serde(rename = "failed")]
    Failed,
    /// The exchange was closed on that day.
    #[serde(rename = "no session")]
    NoSession,
}

impl RunStatus {
    /// Whether something is left to be done: the run may be started again.
    pub fn is_incomplete(self) -> bool {
        matches!(self, RunStatus::Partial | RunStatus::Failed)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RunStatus::Succeeded => "succeeded",
            RunStatus::Partial => "partial",
            RunStatus::Failed => "failed",
            RunStatus::NoSession => "no session",
        })
    }
}

/// How one ticker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TickerStatus {
    /// It has its forecast.
    Done,
    /// A stage refused or failed it.
    Failed,
    /// It was not worked on.
    Skipped,
}

/// One ticker's line in a run's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TickerSummary {
    /// Which series.
    pub ticker: Ticker,
    /// How it ended.
    pub status: TickerStatus,
    /// The verdict; `None` where it failed before one.
    pub verdict: Option<forecasting::Decision>,
    /// The version that made the forecast.
    pub version: Option<VersionId>,
    /// The verdict's reason, or the error's text.
    pub reason: String,
}

/// A reason without the ticker's own name before it, for where that stands beside it.
pub fn plain_reason<'a>(ticker: &Ticker, reason: &'a str) -> &'a str {
    reason.strip_prefix(ticker.as_str()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(reason)
}

/// A run's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Closure {
    /// How it ended.
    pub status: RunStatus,
    /// Every ticker, in the configuration's order.
    pub tickers: Vec<TickerSummary>,
    /// How long each was worked on, in the same order; timings are no result and stay out of the archive.
    pub seconds: Vec<f64>,
    /// The report: its table and its summary.
    pub report: Vec<Key>,
}

impl Closure {
    /// The key of a file of its report, by the name's beginning: written again, it carries a digest.
    pub fn file(&self, stem: &str) -> Option<&Key> {
        let named = |key: &&Key| key.as_str().rsplit('/').next().is_some_and(|name| name.starts_with(stem));
        self.report.iter().find(named)
    }

    /// How many tickers ended so.
    pub fn count(&self, status: TickerStatus) -> usize {
        self.tickers.iter().filter(|ticker| ticker.status == status).count()
    }
}

/// A run as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEntry {
    /// The run.
    pub run: Run,
    /// When it was first opened, ISO 8601.
    pub opened_at: String,
    /// When it was last closed.
    pub closed_at: Option<String>,
    /// How it was last closed; `None` while it is open.
    pub closure: Option<Closure>,
}
