use serde::Deserialize;

/// When nights begin on one machine; in the cloud the template's parameters say it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSettings {
    /// Whether they begin by themselves.
    pub enabled: bool,
    /// The time of day, `17:00`.
    pub at: String,
    /// The days, as cron writes them.
    pub days: String,
    /// The time zone of that time.
    pub time_zone: String,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        ScheduleSettings {
            enabled: true,
            at: "17:00".to_owned(),
            days: "MON-FRI".to_owned(),
            time_zone: "America/New_York".to_owned(),
        }
    }
}

impl ScheduleSettings {
    /// As cron writes it: minute, hour, and the days.
    ///
    /// # Errors
    /// A message for a time that is none.
    pub fn cron(&self) -> Result<String, String> {
        let wrong = || format!("schedule.at is '{}', but a time of day is written as 17:00", self.at);
        let time: jiff::civil::Time =
            if self.at.len() == 5 { self.at.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
        Ok(format!("{} {} * * {}", time.minute(), time.hour(), self.days))
    }
}
