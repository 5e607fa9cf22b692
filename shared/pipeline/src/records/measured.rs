//! How far a model is to be believed: measured on what it served, or on its record.

use forecasting::{Coverage, LiveRecord};
use serde::{Deserialize, Serialize};

use crate::Champion;

/// Measured skill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Skill {
    /// Positive where it is better than the random walk; `None` where the walk made no error to beat.
    pub value: Option<f64>,
    /// Forecasts behind it.
    pub n: usize,
    /// Where they come from.
    pub source: Source,
}

/// Measured coverage of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RealisedCoverage {
    /// Level and share, and how many forecasts are behind it.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Where they come from.
    pub source: Source,
}

/// Which forecasts a figure was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Source {
    /// Forecasts that were served, against the bars that came.
    Live,
    /// The track record: what would have been forecast from past sessions.
    #[serde(alias = "backtest")]
    Record,
}

/// Fewer live forecasts than this say less than the record.
const MIN_LIVE: usize = 20;

/// Skill and coverage of the forecasts that were served, or of the champion's record while those are few.
pub(crate) fn measured(champion: &Champion, live: &LiveRecord) -> (Skill, Vec<RealisedCoverage>) {
    let (value, n, coverage, source) = if live.n >= MIN_LIVE {
        (live.skill, live.n, &live.coverage, Source::Live)
    } else {
        let Champion { record_skill, record_forecasts, record_coverage, .. } = champion;
        (*record_skill, *record_forecasts, record_coverage, Source::Record)
    };
    let coverage = coverage.iter().map(|coverage| RealisedCoverage { coverage: *coverage, source }).collect();
    (Skill { value, n, source }, coverage)
}
