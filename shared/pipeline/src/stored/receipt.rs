//! Receipts and the champion pointer.

use forecasting::{Contest, Coverage, Decision, Multipliers, Specification, Ticker, TradingDay};
use serde::{Deserialize, Serialize};

use crate::{Digest, RunId, VersionId, stored::model_version::ObjectRef};

/// The model in service, and what its backtest promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Champion {
    /// Its version.
    pub version: VersionId,
    /// Digest of the version's bytes.
    pub sha256: Digest,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
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
    /// What that contest taught the adaptive intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub multipliers: Option<Multipliers>,
    /// The session whose outcomes are in them; absent where it is `as_of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught_until: Option<TradingDay>,
    /// How its specification came into service; absent from the first receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub tenure: Option<Tenure>,
}

impl Champion {
    /// The session whose outcomes are in its multipliers.
    pub(crate) fn taught_until(&self) -> TradingDay {
        self.taught_until.unwrap_or(self.as_of)
    }
}

/// How a specification came into service. Refits on newer data go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenure {
    /// As-of session of the verdict that brought it.
    pub since: TradingDay,
    /// Its skill in the backtest then: what it is held to.
    pub promised_skill: Option<f64>,
    /// Whose place it took: where it would be rolled back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Box<Champion>>,
    /// What was rolled back from when it came, and may not come back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<Specification>,
}

/// The newest format of a receipt. 1 had one challenger, and no archived contest.
pub(crate) const RECEIPT_FORMAT: u32 = 2;

/// The append-only record of one verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Why a challenger was trained, in words; absent from the first receipts, and where a person rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
    /// Who decided: `rule` or `person`.
    pub decided_by: String,
    /// The version in service before.
    pub before: Option<VersionId>,
    /// Who is in service by this verdict.
    pub champion: Champion,
    /// All scorecards; none where a person rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub contest: Option<Contest>,
    /// The contest with its losses at each horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_contest: Option<ObjectRef>,
    /// The prices that the contest was held on.
    pub snapshot: ObjectRef,
    /// Digest of the run's configuration.
    pub configuration: Digest,
}
