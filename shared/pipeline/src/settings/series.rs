use forecasting::{Cadence, Kind, Seasons};
use serde::Deserialize;

use super::{Settings, calendar::CalendarSetting};

/// `[series.SALES]`: what one series is read as, where that is not what the others are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesSettings {
    cadence: Option<Cadence>,
    pub(super) calendar: Option<CalendarSetting>,
    kind: Option<Kind>,
    box_cox: Option<f64>,
    season: Option<Seasons>,
}

impl Settings {
    /// The settings as if all series were read as this one.
    pub(super) fn of_one(&self, own: &SeriesSettings) -> Settings {
        let alike = own.kind.is_none_or(|kind| kind == self.kind) && own.cadence.is_none();
        Settings {
            cadence: own.cadence.or(self.cadence),
            // A calendar is one of a cadence.
            calendar: own.calendar.clone().or(self.calendar.clone().filter(|_| own.cadence.is_none())),
            kind: own.kind.unwrap_or(self.kind),
            box_cox: own.box_cox.or(self.box_cox.filter(|_| own.kind.is_none())),
            // Of another cadence or kind, the season is another.
            season: own.season.or(self.season.filter(|_| alike)),
            ..self.clone()
        }
    }
}
