use forecasting::{Calendar, DatesCalendar};
use serde::Deserialize;

use super::Settings;

/// A calendar as the configuration names it: a file of dates is still to be read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum CalendarSetting {
    Known(Calendar),
    File(String),
}

impl CalendarSetting {
    /// None while its file is not read.
    pub(super) fn known(&self) -> Option<Calendar> {
        match self {
            CalendarSetting::Known(calendar) => Some(*calendar),
            CalendarSetting::File(_) => None,
        }
    }
}

impl TryFrom<String> for CalendarSetting {
    type Error = forecasting::Error;

    fn try_from(text: String) -> Result<CalendarSetting, forecasting::Error> {
        match text.strip_prefix("dates:") {
            Some(file) => Ok(CalendarSetting::File(file.to_owned())),
            None => text.parse().map(CalendarSetting::Known),
        }
    }
}

impl Settings {
    /// Files of dates that calendars are.
    pub(super) fn files_of_dates(&self) -> impl Iterator<Item = &str> {
        let all = self.calendar.iter().chain(self.series.values().filter_map(|own| own.calendar.as_ref()));
        all.filter_map(|calendar| match calendar {
            CalendarSetting::File(file) => Some(file.as_str()),
            CalendarSetting::Known(_) => None,
        })
    }

    /// Reads the files of dates that calendars are, one date a line: a calendar is named after its file.
    ///
    /// # Errors
    /// What is wrong with one, and which.
    pub fn read_dates(&mut self, read: impl Fn(&str) -> Result<String, String>) -> Result<(), String> {
        let mut calendars = vec![self.calendar.as_mut()];
        calendars.extend(self.series.values_mut().map(|own| own.calendar.as_mut()));
        for calendar in calendars.into_iter().flatten() {
            if let CalendarSetting::File(file) = calendar {
                let failed = |error: String| format!("calendar = \"dates:{file}\": {error}");
                let text = read(file).map_err(failed)?;
                let name = file.rsplit('/').next().unwrap_or_default();
                let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase().replace('_', "-");
                *calendar = CalendarSetting::Known(Calendar::Dates(DatesCalendar::know(&name, &text).map_err(failed)?));
            }
        }
        self.check_all_readings()
    }
}
