//! Receipts and the champion pointer.

use forecasting::{Contender, Contest, Coverage, Decision, Judgement, Seat, Specification, Stamp, Ticker};
use serde::{Deserialize, Serialize};

use crate::{Digest, Error, Ledger, ObjectRef, RunId, VersionId};

/// The model in service, and what its record promises.
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
    /// As-of session of the run that brought this version into service.
    pub as_of: Stamp,
    /// How often the pointer has moved: no two states of it are alike.
    pub sequence: u64,
    /// 1 - its mean absolute error over the random walk's, on the contender's record when it came.
    #[serde(alias = "backtest_skill")]
    pub record_skill: Option<f64>,
    /// How often its intervals held there.
    #[serde(alias = "backtest_coverage")]
    pub record_coverage: Vec<Coverage>,
    /// Forecasts behind both.
    #[serde(alias = "backtest_forecasts")]
    pub record_forecasts: usize,
    /// Mean absolute error of log prices there; absent from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_error: Option<f64>,
    /// Which contender it is of, and how that came into service. Absent from earlier releases, whose champions have no record:
    /// they must prove themselves like anyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub seat: Option<Seat>,
    /// A person put this very version into service: it stays, and is not trained anew, until it is released.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
    /// It came without evidence, because the configuration asks for none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unproven: bool,
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Champion {
    /// Since which session its contender has been in service.
    pub fn since(&self) -> Stamp {
        self.seat.as_ref().map_or(self.as_of, |seat| seat.since)
    }

    /// Whose record it goes by.
    pub(crate) fn contender(&self) -> Contender {
        self.seat.as_ref().map_or(Contender::RANDOM_WALK, |seat| seat.contender)
    }
}

/// The newest format of a receipt. 1 and 2 rest on a contest over sessions that were held out, 3 on the track record.
pub(crate) const RECEIPT_FORMAT: u32 = 3;

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
    pub as_of: Stamp,
    /// The decision.
    pub decision: Decision,
    /// Why, in words.
    pub reason: String,
    /// Why the contenders were trained, or not, in words; absent from the first receipts, and where a person decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<String>,
    /// Who decided: `rule` or `person`.
    pub decided_by: String,
    /// The version in service before.
    pub before: Option<VersionId>,
    /// Who is in service by this verdict.
    pub champion: Champion,
    /// What everyone's record amounted to; none where a person decided, and in formats 1 and 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub judgement: Option<Judgement>,
    /// All scorecards of the contest, in formats 1 and 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub contest: Option<Contest>,
    /// That contest with its losses at each horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_contest: Option<ObjectRef>,
    /// The prices that it rests on.
    pub snapshot: ObjectRef,
    /// Digest of the run's configuration.
    pub configuration: Digest,
}

/// The champion as it was known on a session: the pointer's, unless that is from later (a backfill), then the one that
/// the last receipt until then put or left in service.
pub(crate) async fn champion_on(
    ledger: &dyn Ledger,
    ticker: &Ticker,
    pointer: Option<&Champion>,
    day: Stamp,
) -> Result<Option<Champion>, Error> {
    match pointer {
        Some(pointer) if pointer.as_of > day => {
            let receipts = ledger.receipts(ticker).await?;
            Ok(receipts.into_iter().find(|receipt| receipt.as_of <= day).map(|receipt| receipt.champion))
        }
        pointer => Ok(pointer.cloned()),
    }
}
