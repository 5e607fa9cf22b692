use jiff::civil::{Date, Time};
use serde::Deserialize;

use super::values;

/// When nights begin on one machine; in the cloud the template's parameters say it, and this whether they are to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSettings {
    /// Whether they begin by themselves.
    pub enabled: bool,
    /// The time of day, `17:00`.
    at: Option<String>,
    /// The days, as cron writes them.
    days: Option<String>,
    /// In place of both: minute, hour, day, month and weekday, as cron writes them.
    cron: Option<String>,
    /// The time zone of that time.
    pub time_zone: String,
    /// The first day on which any begins.
    #[serde(deserialize_with = "values::plain_date")]
    pub first: Option<Date>,
    /// The last one.
    #[serde(deserialize_with = "values::plain_date")]
    last: Option<Date>,
    /// Whether nights that were missed are held before the one that is due.
    pub catch_up: bool,
}

const AT: &str = "17:00";
const DAYS: &str = "MON-FRI";

impl Default for ScheduleSettings {
    fn default() -> Self {
        ScheduleSettings {
            enabled: true,
            at: None,
            days: None,
            cron: None,
            time_zone: "America/New_York".to_owned(),
            first: None,
            last: None,
            catch_up: false,
        }
    }
}

impl ScheduleSettings {
    /// As cron writes it.
    ///
    /// # Errors
    /// A message for a time that is none, and for two ways to say when.
    pub fn cron(&self) -> Result<String, String> {
        if let Some(cron) = &self.cron {
            if self.at.is_some() || self.days.is_some() {
                return Err("schedule.cron takes the place of schedule.at and schedule.days: leave them out".to_owned());
            }
            return match cron.split_whitespace().count() {
                5 => Ok(cron.clone()),
                _ => Err(format!("schedule.cron is '{cron}', but has five parts: minute, hour, day, month, weekday")),
            };
        }
        let at = self.at.as_deref().unwrap_or(AT);
        let wrong = || format!("schedule.at is '{at}', but a time of day is written as 17:00");
        let time: Time = if at.len() == 5 { at.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
        Ok(format!("{} {} * * {}", time.minute(), time.hour(), self.days.as_deref().unwrap_or(DAYS)))
    }

    /// What of it only a reader of cron's language can judge.
    pub fn unchecked(&self) -> String {
        match &self.cron {
            Some(cron) => format!("schedule.cron is '{cron}'"),
            None => format!("schedule.days is '{}'", self.days.as_deref().unwrap_or(DAYS)),
        }
    }

    /// When, in words.
    pub fn words(&self) -> String {
        let ScheduleSettings { at, days, cron, time_zone, .. } = self;
        match cron {
            Some(cron) => format!("at '{cron}' {time_zone}"),
            None => {
                let (at, days) = (at.as_deref().unwrap_or(AT), days.as_deref().unwrap_or(DAYS));
                format!("at {at} {time_zone} on {days}")
            }
        }
    }

    /// Whether nights begin by themselves on this day.
    pub fn is_on(&self, day: Date) -> bool {
        self.enabled && self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.cron()?;
        if let Some(days) = self.days.as_deref().filter(|days| days.is_empty() || days.contains(char::is_whitespace)) {
            return Err(format!(
                "schedule.days is '{days}', but is one word, such as MON-FRI: schedule.cron says more"
            ));
        }
        match (self.first, self.last) {
            (Some(first), Some(last)) if last < first => {
                Err(format!("schedule.last is {last}, before schedule.first, {first}"))
            }
            _ => Ok(()),
        }
    }
}
