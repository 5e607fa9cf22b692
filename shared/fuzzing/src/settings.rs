//! `closing-bell.toml`: what is accepted keeps to bounds.

use std::time::Duration;

use croner::Cron;
use forecasting::Stamp;
use jiff::{ToSpan, civil::date, tz::TimeZone};
use pipeline::{Patience, Settings};

use crate::text;

/// Accepted means: waits within ten hours for bars, retries within ten more, and at most one night a day unless `cron` says more.
pub(crate) fn settings(bytes: &[u8]) {
    let text = text(bytes);
    let settings = match Settings::parse(&text) {
        Ok(settings) => settings,
        Err(reason) => return assert!(!reason.is_empty(), "{text}"),
    };
    let close = "2020-12-11T22:00:00Z".parse().expect("a moment");
    let Patience { asks, pause, retries, delay } = Patience::of(&settings, Stamp::Date(date(2020, 12, 11)), close);
    let within =
        |times: u32, pause: Duration| pause.checked_mul(times).is_some_and(|all| all <= Duration::from_hours(10));
    assert!(within(asks, pause) && within(retries, delay), "{text}");
    let schedule = &settings.schedule;
    let Ok(cron) = schedule.cron() else { return };
    let by_days = schedule.unchecked().starts_with("schedule.days");
    if let (Ok(cron), Ok(zone)) = (cron.parse::<Cron>(), TimeZone::get(&schedule.time_zone))
        && by_days
    {
        let start = date(2026, 11, 2).to_zoned(zone).expect("a day");
        let end = start.checked_add(14.days()).expect("a day");
        let mut nights = Vec::new();
        let mut last = start;
        while let Ok(next) = cron.find_next_occurrence(&last, false)
            && next < end
        {
            nights.push(next.date());
            last = next;
            assert!(nights.len() <= 14, "{text}: {nights:?}");
        }
        assert!(nights.windows(2).all(|pair| pair[0] < pair[1]), "{text}: {nights:?}");
    }
}
