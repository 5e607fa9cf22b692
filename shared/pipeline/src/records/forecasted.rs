use forecasting::{Calibration, LiveRecord, Outlook, StandingForecast};
use serde::{Deserialize, Serialize};

use crate::{BarStatus, Champion, Key, Market, ObjectRef, Standing};

/// A forecast on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecasted {
    /// Who made it.
    pub champion: Champion,
    /// The market that its prices come from.
    pub market: Market,
    /// The prices it knew.
    pub snapshot: ObjectRef,
    /// Whether the newest of them may still be corrected.
    pub bar: BarStatus,
    /// The forecast table.
    pub table: Key,
    /// What made its adaptive intervals; absent from earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What the scores of the champion's specification added up to; absent from the first forecasts on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveRecord>,
    /// What the program said that made it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<Outlook>,
    /// The last adjusted closes that it knew, oldest first, for pictures; absent from the first forecasts on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<f64>,
    /// The forecast.
    pub forecast: StandingForecast,
}

impl Forecasted {
    /// What an overview tells of it.
    pub fn standing(&self) -> Standing {
        Standing::of(self)
    }
}
