//! The calendar's rules against `exchange_calendars` 4.13.2, every day from 2015 to 2027.

use std::collections::BTreeMap;

use forecasting::{Period, TradingDay};
use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

fn table(text: &str) -> BTreeMap<Date, Vec<String>> {
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',').map(str::to_owned);
            let day = fields.next().expect("a date").parse().expect("a date");
            (day, fields.collect())
        })
        .collect()
}

#[test]
fn every_day_from_2015_to_2027() {
    let holidays = table(include_str!("data/nyse_holidays.csv"));
    let early = table(include_str!("data/nyse_early_closes.csv"));
    let mut sessions = 0;
    let mut day = date(2015, 1, 1);
    while day <= date(2027, 12, 31) {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let expected = !weekend && !holidays.contains_key(&day);
        let found = TradingDay::new(day);
        assert_eq!(found.is_ok(), expected, "{day}: {found:?}");
        if let Ok(session) = found {
            sessions += 1;
            let bell = session.bell().to_string();
            match early.get(&day) {
                // The table gives the early bell in UTC, as `18:00Z`.
                Some(fields) => assert_eq!(bell[11..16], fields[2][..5], "{day}"),
                None => assert!(bell[11..16] == *"20:00" || bell[11..16] == *"21:00", "{day}: {bell}"),
            }
        }
        day = day.saturating_add(1.day());
    }
    assert_eq!(sessions, 3268);
}

#[test]
fn walking_the_sessions() {
    let day = |text: &str| text.parse::<Period>().expect("a session");
    let eve = day("2020-12-24");
    assert_eq!(eve.next(), day("2020-12-28"));
    assert_eq!(day("2020-12-28").previous(), eve);
    assert_eq!(eve.plus(3), day("2020-12-30"));
    assert_eq!(eve.periods_until(day("2020-12-30")), 3);
    assert_eq!(eve.periods_until(eve), 0);
    // The calendar's last session has nowhere to go, and says so by standing still.
    let last = day("2100-12-31");
    assert_eq!(last.next(), last);
}

#[test]
fn the_last_closed_session() {
    let check = |now: &str, expected: &str| {
        let now = now.parse().expect("a timestamp");
        assert_eq!(TradingDay::last_closed(now).expect("within the calendar").to_string(), expected, "{now}");
    };
    // 16:00 in New York is 21:00 UTC in winter, 20:00 in summer.
    check("2020-12-11T20:59:59Z", "2020-12-10");
    check("2020-12-11T21:00:00Z", "2020-12-11");
    check("2020-07-10T20:00:00Z", "2020-07-10");
    // An early close.
    check("2020-12-24T18:00:00Z", "2020-12-24");
    // A weekend.
    check("2020-12-13T12:00:00Z", "2020-12-11");
}

#[test]
fn bars_are_preliminary_until_eight_in_the_evening() {
    let day: TradingDay = "2020-12-11".parse().expect("a session");
    assert!(day.is_preliminary_at("2020-12-12T00:59:59Z".parse().expect("a timestamp")));
    assert!(!day.is_preliminary_at("2020-12-12T01:00:00Z".parse().expect("a timestamp")));
}

#[test]
fn what_a_schedule_is_due_for() {
    let due = |moment: &str| TradingDay::due_at(moment.parse().expect("a moment")).expect("a day").to_string();
    assert_eq!(due("2026-11-20T22:00:00Z"), "2026-11-20", "17:00 in New York");
    assert_eq!(due("2026-11-24T06:00:00Z"), "2026-11-23", "seven in the morning in Berlin: New York sleeps");
    assert_eq!(due("2026-11-21T06:00:00Z"), "2026-11-20", "and so it does on a Saturday");
    assert_eq!(due("2026-11-20T14:00:00Z"), "2026-11-19", "nine in New York: that session is to come");
    assert_eq!(due("2026-11-26T22:00:00Z"), "2026-11-26", "Thanksgiving, which closes as no session");
    assert_eq!(due("2026-11-27T18:30:00Z"), "2026-11-27", "an early close");
}
