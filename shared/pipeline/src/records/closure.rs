//! How a run ended: in the ledger in numbers, in its report in full.

use std::{collections::BTreeMap, fmt};

use forecasting::Stamp;
use forecasting::{Decision, Ticker};
use serde::{Deserialize, Serialize};

use super::transcript;
use crate::{Archive, Digest, Error, Key, Market, ObjectRef, RunId, VersionId};

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
    pub verdict: Option<Decision>,
    /// The version that made the forecast.
    pub version: Option<VersionId>,
    /// The verdict's reason, or the error's text.
    pub reason: String,
}

/// A reason without the ticker's own name before it, for where that stands beside it.
pub fn plain_reason<'a>(ticker: &Ticker, reason: &'a str) -> &'a str {
    reason.strip_prefix(ticker.as_str()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(reason)
}

/// A run's end, in numbers: what became of each ticker is in its report's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Closure {
    /// How it ended.
    pub status: RunStatus,
    /// Tickers with a forecast.
    pub done: usize,
    /// Tickers that a stage refused or failed.
    pub failed: usize,
    /// Tickers that were not worked on.
    pub skipped: usize,
    /// How many verdicts there were of each kind.
    pub verdicts: BTreeMap<Decision, usize>,
    /// How long all tickers were worked on; timings are no result and stay out of the archive.
    pub seconds: f64,
    /// The report: its tables, its summary, its picture.
    pub report: Vec<Key>,
    /// Digest of the summary; none where there is none, and of earlier releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Digest>,
    /// Digest of the transcript; none of earlier releases, and of a day without a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Digest>,
}

/// As it is stored; earlier releases kept every ticker's outcome and time in the ledger.
#[derive(Deserialize)]
struct Stored {
    status: RunStatus,
    #[serde(default)]
    done: usize,
    #[serde(default)]
    failed: usize,
    #[serde(default)]
    skipped: usize,
    #[serde(default)]
    verdicts: BTreeMap<Decision, usize>,
    seconds: Seconds,
    report: Vec<Key>,
    #[serde(default)]
    summary: Option<Digest>,
    #[serde(default)]
    transcript: Option<Digest>,
    #[serde(default)]
    tickers: Vec<TickerSummary>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Together(f64),
    Each(Vec<f64>),
}

impl From<Stored> for Closure {
    fn from(stored: Stored) -> Closure {
        let Stored { status, done, failed, skipped, verdicts, seconds, report, summary, transcript, tickers } = stored;
        let seconds = match seconds {
            Seconds::Together(seconds) => seconds,
            Seconds::Each(seconds) => seconds.iter().sum(),
        };
        if tickers.is_empty() {
            Closure { status, done, failed, skipped, verdicts, seconds, report, summary, transcript }
        } else {
            Closure { seconds, report, ..Closure::of(status, &tickers) }
        }
    }
}

impl Closure {
    /// A run that ended so, in numbers.
    pub(crate) fn of(status: RunStatus, tickers: &[TickerSummary]) -> Closure {
        let count = |status| tickers.iter().filter(|ticker| ticker.status == status).count();
        let mut verdicts = BTreeMap::new();
        for verdict in tickers.iter().filter_map(|ticker| ticker.verdict) {
            *verdicts.entry(verdict).or_insert(0) += 1;
        }
        Closure {
            status,
            done: count(TickerStatus::Done),
            failed: count(TickerStatus::Failed),
            skipped: count(TickerStatus::Skipped),
            verdicts,
            seconds: 0.0,
            report: Vec::new(),
            summary: None,
            transcript: None,
        }
    }

    /// The key of a file of its report, by the name's beginning: written again, it carries a digest.
    pub fn file(&self, stem: &str) -> Option<&Key> {
        let named = |key: &&Key| key.as_str().rsplit('/').next().is_some_and(|name| name.starts_with(stem));
        self.report.iter().find(named)
    }

    /// Its transcript.
    pub(crate) fn transcript_object(&self) -> Option<ObjectRef> {
        Some(ObjectRef { key: self.file(transcript::STEM)?.clone(), sha256: self.transcript.clone()? })
    }

    /// How many tickers the run had.
    pub fn tickers(&self) -> usize {
        self.done + self.failed + self.skipped
    }

    /// How many verdicts were one of these.
    pub fn verdicts(&self, of: &[Decision]) -> usize {
        of.iter().filter_map(|decision| self.verdicts.get(decision)).sum()
    }

    /// What became of each ticker, in the configuration's order.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] where the summary does not read whole.
    pub async fn outcomes(&self, archive: &dyn Archive) -> Result<Vec<TickerSummary>, Error> {
        let Some(key) = self.file("summary") else { return Ok(Vec::new()) };
        let bytes = match &self.summary {
            Some(sha256) => ObjectRef { key: key.clone(), sha256: sha256.clone() }.read(archive).await?,
            None => archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?,
        };
        let summary: Summary = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged { key: key.to_string(), reason: error.to_string() })?;
        Ok(summary.tickers)
    }
}

/// `reports/{run}/summary.json`
#[derive(Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) format: u32,
    pub(crate) run: RunId,
    pub(crate) as_of: Stamp,
    pub(crate) status: RunStatus,
    pub(crate) market: Market,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) tickers: Vec<TickerSummary>,
}
