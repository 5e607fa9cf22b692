//! The clock of one machine.

use std::{fmt, sync::Arc, time::Duration};

use croner::Cron;
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use pipeline::settings::ScheduleSettings;
use tokio::sync::watch;

use super::{Nights, output};

pub(in crate::command) struct Schedule {
    cron: Cron,
    zone: TimeZone,
    settings: ScheduleSettings,
}

/// The longest sleep: a machine that was suspended, or whose clock was set, is not late by more.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// So far a clock is corrected without being set back.
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

impl Schedule {
    pub(in crate::command) fn new(settings: &ScheduleSettings) -> Result<Schedule, String> {
        let cron = settings.cron()?;
        let parsed = cron.parse().map_err(|_| {
            format!("{}, but must be as cron writes it, such as MON-FRI or TUE,THU", settings.unchecked())
        })?;
        let zone = TimeZone::get(&settings.time_zone).map_err(|error| format!("schedule.time_zone: {error}"))?;
        let schedule = Schedule { cron: parsed, zone, settings: settings.clone() };
        let sometime = Timestamp::UNIX_EPOCH.to_zoned(schedule.zone.clone());
        match schedule.cron.find_next_occurrence(&sometime, false) {
            Ok(_) => Ok(schedule),
            Err(_) => Err(format!("{}, which never comes", settings.unchecked())),
        }
    }

    fn next(&self, after: Timestamp) -> Option<Zoned> {
        let after = after.to_zoned(self.zone.clone());
        let begins = self.settings.first.and_then(|first| first.to_zoned(self.zone.clone()).ok());
        let (from, inclusive) = match begins.filter(|begins| *begins > after) {
            Some(begins) => (begins, true),
            None => (after, false),
        };
        let next = self.cron.find_next_occurrence(&from, inclusive).ok()?;
        Some(next).filter(|next| self.settings.is_on(next.date()))
    }

    /// The newest one that has passed.
    fn last(&self, now: Timestamp) -> Option<Zoned> {
        let passed = self.cron.find_previous_occurrence(&now.to_zoned(self.zone.clone()), true).ok();
        passed.filter(|due| self.settings.is_on(due.date()))
    }

    /// The next night after a moment, in words; `None` where there will be none.
    pub(in crate::command) fn next_after(&self, now: Timestamp) -> Option<String> {
        self.next(now).map(|next| next.strftime("on %A, %F at %R (%Q)").to_string())
    }

    pub(super) fn next_in_words(&self) -> String {
        self.next_after(Timestamp::now()).unwrap_or_else(|| "never".to_owned())
    }

    /// Starts each night when it is due, until it is stopped. A time that passed while the machine slept is made up for
    /// once; one that passed before the start is reported as missed.
    pub(super) async fn run(self, nights: Arc<Nights>, mut stopped: watch::Receiver<()>) {
        let now = Timestamp::now();
        if let Some(due) = self.last(now) {
            if self.settings.catch_up {
                nights.catch_up(due.timestamp()).await;
            } else if let Err(failure) = nights.tell_missed(due.timestamp()).await {
                output::remark(&format!("Whether a night was missed cannot be determined: {}", failure.text()));
            }
        }
        let mut last = now;
        while let Some(due) = self.next(last) {
            let set_back = loop {
                // A clock that was wrong, and is right now: what is due is due by the present one.
                let now = Timestamp::now();
                if now < last - TOLERATED {
                    break Some(now);
                }
                let left = Timestamp::now().duration_until(due.timestamp());
                if left.is_negative() || left.is_zero() {
                    break None;
                }
                let sleep = left.unsigned_abs().min(MAX_SLEEP);
                tokio::select! { () = tokio::time::sleep(sleep) => {}, _ = stopped.changed() => return }
            };
            if let Some(now) = set_back {
                last = now;
                output::remark(&format!("The clock was set back; the next night is {}.", self.next_in_words()));
                continue;
            }
            // Times that passed while the machine slept are one night: the newest.
            let now = Timestamp::now().max(due.timestamp());
            let newest = self.last(now).unwrap_or(due);
            nights.on_schedule(newest.timestamp()).await;
            last = Timestamp::now().max(newest.timestamp());
        }
        output::remark("The schedule has no further night.");
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.settings.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Result<Schedule, String> {
        Schedule::new(&pipeline::Settings::parse(text).expect("a configuration").schedule)
    }

    /// Five in the afternoon in New York, in winter and in summer, whatever the machine's own zone; and no weekend.
    #[test]
    fn the_bell_moves_with_new_york() {
        let usual = schedule("").expect("a schedule");
        let next =
            |after: &str| usual.next(after.parse().expect("a moment")).expect("there is one").timestamp().to_string();
        assert_eq!(next("2026-01-05T00:00:00Z"), "2026-01-05T22:00:00Z");
        assert_eq!(next("2026-07-06T00:00:00Z"), "2026-07-06T21:00:00Z");
        assert_eq!(next("2026-11-20T22:00:00Z"), "2026-11-23T22:00:00Z", "a Friday's next is Monday");
        // The clocks change between these two.
        assert_eq!(next("2026-10-30T21:00:00Z"), "2026-11-02T22:00:00Z");
    }

    #[test]
    fn hours_between_two_days() {
        let text = "[schedule]\ncron = \"5 * * * *\"\ntime_zone = \"UTC\"\nfirst = 2026-03-02\nlast = 2026-03-03";
        let hourly = schedule(text).expect("a schedule");
        let next = |after: &str| hourly.next(after.parse().expect("a moment")).map(|next| next.timestamp().to_string());
        assert_eq!(next("2025-01-01T00:00:00Z").as_deref(), Some("2026-03-02T00:05:00Z"));
        assert_eq!(next("2026-03-02T00:05:00Z").as_deref(), Some("2026-03-02T01:05:00Z"));
        assert_eq!(next("2026-03-03T23:05:00Z"), None);
        let last = |now: &str| hourly.last(now.parse().expect("a moment")).map(|due| due.timestamp().to_string());
        assert_eq!(last("2026-03-02T00:04:00Z"), None);
        assert_eq!(last("2026-03-02T03:04:00Z").as_deref(), Some("2026-03-02T02:05:00Z"));
    }

    #[test]
    fn what_is_none() {
        let check = |text: &str, expected: &str| {
            let error = schedule(text).err().expect("refused");
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("[schedule]\ntime_zone = \"New York\"", "schedule.time_zone");
        check("[schedule]\ndays = \"WORKDAYS\"", "schedule.days is 'WORKDAYS'");
        check("[schedule]\ndays = \"31W\"", "schedule.days is '31W'");
        check("[schedule]\ncron = \"0 0 30 2 *\"", "never comes");
        assert!(pipeline::Settings::parse("[schedule]\ndays = \"* * *\"").is_err_and(|e| e.contains("one word")));
        check("[schedule]\ncron = \"61 * * * *\"", "schedule.cron is '61 * * * *'");
    }
}
