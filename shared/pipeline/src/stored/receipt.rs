//! Receipts and the champion pointer.

use forecasting::{Contest, Coverage, Decision, Specification, Ticker, TradingDay};
use serde::{Deserialize, Serialize};

use crate::{Digest, RunId, VersionId, stored::model_version::SnapshotRef};

/// The model in service, and what its backtest promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Champion {
    /// Its version.
    pub version: VersionId,
    /// Digest of the version's bytes.
    pub sha256: Digest,
    /// What it is.
    pub specification: Specification,
    /// As-of session of the verdict that put it in service.
    pub as_of: TradingDay,
    /// How often the pointer has moved: no two states of it are alike.
    pub sequence: u64,
    /// 1 - its mean absolute error over the random walk's, in the contest that put it in service.
    pub backtest_skill: Option<f64>,
    /// How often its intervals held there.
    pub backtest_coverage: Vec<Coverage>,
    /// Forecasts behind both.
    pub backtest_forecasts: usize,
}

/// The append-only record of one verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this format.
    pub format: u32,
    /// The series.
    pub ticker: Ticker,
    /// The run that decided.
    pub run: RunId,
    /// Its as-of session.
    pub as_of: TradingDay,
    /// The decision.
    pub decision: Decision,
    /// Why, in words.
    pub reason: String,
    /// Who decided: `rule`, or a person's word.
    pub decided_by: String,
    /// The version in service before.
    pub before: Option<VersionId>,
    /// Who is in service by this verdict.
    pub champion: Champion,
    /// All scorecards.
    pub contest: Contest,
    /// The prices that the contest was held on.
    pub snapshot: SnapshotRef,
    /// Digest of the run's configuration.
    pub configuration: Digest,
}
