use forecasting::{Calibration, Calibrations, Contender, Judgement, Outlook, Period, ScaleEstimates, Specification};
use serde::{Deserialize, Serialize};

use crate::{Champion, Digest, Error, Market, StageRecord, StoredRecord, VersionId};

/// The track record with tonight's row, what it amounts to, and the versions that could serve by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The market of the prices, and the first date that was asked for: others make another record.
    pub source: (Market, Option<jiff::civil::Date>),
    /// The version in service before.
    pub champion: Option<VersionId>,
    /// The record.
    pub record: StoredRecord,
    /// What its scales rest on; none of a young series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scales: Option<ScaleEstimates>,
    /// The session on which the contenders were last trained, and that on which their models were last selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<Period>,
    /// See `trained`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<Period>,
    /// The contenders' models now, and the random walk's where it serves or is to serve.
    pub versions: Vec<TrainedVersion>,
    /// Who has no model now, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_model: Vec<(Contender, String)>,
    /// What the programs among the contenders forecast tonight, by the version that forecasts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlooks: Vec<(VersionId, Outlook)>,
    /// What everyone's record amounts to.
    pub judgement: Judgement,
    /// What makes the intervals of whoever may serve tonight.
    pub calibrations: Calibrations,
}

/// A stored version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedVersion {
    /// Whose it is.
    pub contender: Contender,
    /// What it is.
    pub specification: Specification,
    /// Its id.
    pub version: VersionId,
    /// Digest of its bytes.
    pub sha256: Digest,
}

/// Results of earlier releases had a contest in place of a record.
const OLD_RESULT: &str = "\"contest\":";

impl Trained {
    /// A night's result; `None` of one by a release that kept no records.
    pub(crate) fn read(record: &StageRecord) -> Result<Option<Trained>, Error> {
        if record.result.contains(OLD_RESULT) { Ok(None) } else { record.parse().map(Some) }
    }

    /// What makes the intervals of who serves: those of its contender, or of tonight's nominee where it is in no record any more.
    pub(crate) fn calibration(&self, champion: &Champion) -> Option<Calibration> {
        let of = |contender: Contender| self.calibrations.iter().find(|(other, _)| *other == contender);
        of(champion.contender()).or(self.calibrations.first()).map(|(_, calibration)| calibration.clone())
    }

    /// A contender's model.
    pub fn version(&self, contender: Contender) -> Option<&TrainedVersion> {
        self.versions.iter().find(|version| version.contender == contender)
    }
}
