//! Sessions of the New York Stock Exchange, by rule.
//!
//! The rules are the exchange's own (NYSE Rule 7.2 and its published holiday tables), with the closures that no rule
//! foresees listed one by one. The tests hold them against `exchange_calendars` 4.13.2 (XNYS) for every day of 2015 to
//! 2027. Days after the last published table are the rules' word, not the exchange's.

use std::sync::LazyLock;

use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday, date, time},
    tz::{self, TimeZone},
};

/// First and last year that the rules are good for.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

/// Closures on single days: the attacks of 2001, days of mourning, and the storm of 2012.
const UNFORESEEN: [(Date, &str); 10] = [
    (date(2001, 9, 11), "terrorist attacks"),
    (date(2001, 9, 12), "terrorist attacks"),
    (date(2001, 9, 13), "terrorist attacks"),
    (date(2001, 9, 14), "terrorist attacks"),
    (date(2004, 6, 11), "day of mourning for President Reagan"),
    (date(2007, 1, 2), "day of mourning for President Ford"),
    (date(2012, 10, 29), "Hurricane Sandy"),
    (date(2012, 10, 30), "Hurricane Sandy"),
    (date(2018, 12, 5), "day of mourning for President Bush"),
    (date(2025, 1, 9), "day of mourning for President Carter"),
];

/// New York's clock, daylight saving included.
pub(super) fn new_york() -> TimeZone {
    tz::get!("America/New_York")
}

/// Why the exchange is closed on this date; `None` on a session.
pub(super) fn closure(day: Date) -> Option<&'static str> {
    if !YEARS.contains(&day.year()) {
        return Some("the calendar knows 2000 to 2100");
    }
    if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        return Some("weekend");
    }
    holiday(day).or_else(|| UNFORESEEN.iter().find(|(closed, _)| *closed == day).map(|(_, why)| *why))
}

type Holidays = [(&'static str, Option<Date>); 10];

/// Of each year that the rules are good for: every row of every history asks.
static HOLIDAYS: LazyLock<Vec<Holidays>> = LazyLock::new(|| YEARS.map(holidays).collect());

fn holiday(day: Date) -> Option<&'static str> {
    let year = usize::try_from(day.year() - YEARS.start()).ok()?;
    HOLIDAYS.get(year)?.iter().find(|(_, closed)| *closed == Some(day)).map(|(name, _)| *name)
}

fn holidays(year: i16) -> Holidays {
    let nth = |month, nth, weekday| nth_weekday(year, month, nth, weekday);
    [
        ("New Year's Day", new_year(year)),
        ("Martin Luther King Jr. Day", Some(nth(1, 3, Weekday::Monday))),
        ("Washington's Birthday", Some(nth(2, 3, Weekday::Monday))),
        ("Good Friday", Some(shifted(easter(year), -2))),
        ("Memorial Day", Some(nth(5, -1, Weekday::Monday))),
        ("Juneteenth", (year >= 2022).then(|| observed(date(year, 6, 19)))),
        ("Independence Day", Some(observed(date(year, 7, 4)))),
        ("Labor Day", Some(nth(9, 1, Weekday::Monday))),
        ("Thanksgiving Day", Some(nth(11, 4, Weekday::Thursday))),
        ("Christmas Day", Some(observed(date(year, 12, 25)))),
    ]
}

/// The session ends at 13:00: before Independence Day and Christmas, and after Thanksgiving.
fn closes_early(day: Date) -> bool {
    let thanksgiving = nth_weekday(day.year(), 11, 4, Weekday::Thursday);
    let eve = (day.month() == 7 && day.day() == 3) || (day.month() == 12 && day.day() == 24);
    closure(day).is_none() && (eve || day == shifted(thanksgiving, 1))
}

/// When a New York clock shows this time on this day.
pub(super) fn in_new_york(day: Date, at: Time) -> Timestamp {
    // No session's opening hours meet a clock change, which happens on Sundays at two in the morning.
    day.to_datetime(at).to_zoned(new_york()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// The closing bell.
pub(super) fn bell(day: Date) -> Time {
    if closes_early(day) { time(13, 0, 0, 0) } else { time(16, 0, 0, 0) }
}

/// A Saturday holiday is kept on Friday, a Sunday one on Monday.
fn observed(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => shifted(day, -1),
        Weekday::Sunday => shifted(day, 1),
        _ => day,
    }
}

/// New Year's Day alone is not kept on the Friday before: that is the last session of the old year.
fn new_year(year: i16) -> Option<Date> {
    let day = date(year, 1, 1);
    (day.weekday() != Weekday::Saturday).then(|| observed(day))
}

fn nth_weekday(year: i16, month: i8, nth: i8, weekday: Weekday) -> Date {
    date(year, month, 1).nth_weekday_of_month(nth, weekday).expect("every month has four of each weekday")
}

fn shifted(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

/// Easter Sunday (Meeus 1991, Astronomical Algorithms, chapter 8).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month_and_day = h + l - 7 * m + 114;
    date(year, (month_and_day / 31) as i8, (month_and_day % 31 + 1) as i8)
}
