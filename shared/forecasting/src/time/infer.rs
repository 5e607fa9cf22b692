//! What a series' own stamps say of its cadence; and whether they contradict one.

use std::collections::HashSet;

use jiff::civil::Date;

use super::{
    Cadence, Calendar, Exchange, Period, Stamp, Step,
    cadence::{anchor, weekday},
    period::{DAY, day, days},
};
use crate::Error;

/// Of so many days, one may be no session: a mistyped date is to be refused, and not to make another calendar.
const MISTYPED: usize = 50;
/// By so many days another exchange's calendar must explain the dates better than the usual one: a few holidays.
const CLEARLY: usize = 3;
/// Steps within a day that are recognised, in minutes.
const MINUTES: [u16; 13] = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360];

impl Cadence {
    /// The cadence of these stamps, which increase.
    ///
    /// # Errors
    /// [`Error::Spacing`] with three stamps that no cadence explains.
    pub fn of(stamps: &[Stamp]) -> Result<Cadence, Error> {
        if stamps.iter().any(|stamp| matches!(stamp, Stamp::Index(_))) {
            return Ok(Cadence::INDEX);
        }
        let seconds: Vec<i64> = stamps.iter().map(|stamp| second(*stamp)).collect();
        let typical = median(seconds.windows(2).map(|pair| pair[1] - pair[0]).collect());
        let first = stamps.first().and_then(|stamp| stamp.date()).unwrap_or(Date::MIN);
        let months = |count| Cadence::always(Step::Months { count, day: anchor(first) });
        let cadence = match typical {
            None => Some(Cadence::SESSION),
            Some(step) if step < DAY => {
                let minutes =
                    u16::try_from(step / 60).ok().filter(|minutes| step % 60 == 0 && MINUTES.contains(minutes));
                let minutes = minutes.or((step == DAY / 2).then_some(720));
                minutes.map(|count| {
                    let cadence = Cadence { step: Step::Minutes { count, offset: 0 }, calendar: hours(stamps, count) };
                    stamps.first().map_or(cadence, |first| cadence.of_dates_like(*first))
                })
            }
            Some(DAY) => Some(daily(&stamps.iter().filter_map(|stamp| stamp.date()).collect::<Vec<_>>())),
            Some(step) => match step / DAY {
                7 => Some(Cadence::always(Step::Week { day: weekday(first) })),
                28..=31 => Some(months(1)),
                89..=92 => Some(months(3)),
                365..=366 => Some(months(12)),
                _ => None,
            },
        };
        cadence.ok_or_else(|| contradiction(stamps, "it follows no cadence that is known"))
    }

    /// Whether the stamps of these periods go on as it says: at the typical place, one follows the other.
    ///
    /// # Errors
    /// [`Error::Spacing`] with three stamps that prove the contrary.
    pub fn check(self, periods: &[Period]) -> Result<(), Error> {
        let steps = periods.windows(2).map(|pair| i64::try_from(pair[0].periods_until(pair[1])).unwrap_or(i64::MAX));
        match median(steps.collect()) {
            Some(step) if step != 1 => {
                let stamps: Vec<Stamp> = periods.iter().map(|period| period.stamp()).collect();
                let what = match step {
                    0 => format!("cadence = \"{self}\" has one period for several of them"),
                    _ => format!("cadence = \"{self}\" has {} periods between two of them", step - 1),
                };
                Err(contradiction(&stamps, &what))
            }
            _ => Ok(()),
        }
    }
}

fn second(stamp: Stamp) -> i64 {
    match stamp {
        Stamp::Moment(at) => at.as_second(),
        Stamp::Date(date) => days(date) * DAY,
        Stamp::Index(index) => i64::try_from(index).unwrap_or(i64::MAX),
    }
}

/// The lower one of two.
fn median(mut steps: Vec<i64>) -> Option<i64> {
    steps.sort_unstable();
    steps.get(steps.len().checked_sub(1)? / 2).copied()
}

/// Sessions of New York where nearly all are; otherwise weekdays, or every day; or another exchange's, where its calendar is clearly closer.
fn daily(dates: &[Date]) -> Cadence {
    let few = (dates.len() / MISTYPED).max(1);
    let closed = |calendar: Calendar| dates.iter().filter(|date| calendar.closure(**date).is_some()).count();
    let usual = [Calendar::XNYS, Calendar::Weekdays].into_iter().find(|calendar| closed(*calendar) <= few);
    let usual = usual.unwrap_or(Calendar::Always);
    let calendar = closest(dates, usual, Exchange::ALL.into_iter().filter(|e| closed(Calendar::Exchange(*e)) <= few));
    Cadence { step: Step::Day, calendar }
}

/// The exchange on whose sessions the dates are, if its calendar explains some more of them than the usual one.
fn closest(dates: &[Date], usual: Calendar, exchanges: impl Iterator<Item = Exchange>) -> Calendar {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return usual };
    let known: HashSet<Date> = dates.iter().copied().collect();
    let all: Vec<Date> = (days(*first)..=days(*last)).map(day).collect();
    // Dates without a session, and sessions without a date.
    let misfit = |calendar: Calendar| {
        all.iter().filter(|date| known.contains(date) != calendar.closure(**date).is_none()).count()
    };
    let best = exchanges.map(Calendar::Exchange).map(|calendar| (misfit(calendar), calendar)).min_by_key(|(n, _)| *n);
    best.filter(|(n, _)| n + CLEARLY <= misfit(usual)).map_or(usual, |(_, calendar)| calendar)
}

/// The narrowest calendar that all of them are within.
fn hours(stamps: &[Stamp], count: u16) -> Calendar {
    let within = |calendar: &Calendar| {
        let offset = |at| calendar.offset(at, count);
        let first =
            stamps.iter().find_map(|stamp| if let Stamp::Moment(at) = stamp { Some(offset(*at)) } else { None });
        let first = first.unwrap_or(0);
        stamps.iter().all(
            |stamp| matches!(stamp, Stamp::Moment(at) if offset(*at) == first && calendar.is_open(*at, count, first)),
        )
    };
    // Some hours of one day say nothing of weekends.
    let (first, last) = (stamps.first().map_or(0, |s| second(*s)), stamps.last().map_or(0, |s| second(*s)));
    if last - first < 7 * DAY {
        return Calendar::Always;
    }
    let exchanges: Vec<Exchange> = Exchange::ALL.into_iter().filter(|e| within(&Calendar::Exchange(*e))).collect();
    match exchanges.first() {
        Some(usual) => {
            let mut dates: Vec<Date> = stamps.iter().filter_map(|stamp| stamp.date()).collect();
            dates.dedup();
            closest(&dates, Calendar::Exchange(*usual), exchanges.into_iter())
        }
        None => [Calendar::Weekdays].into_iter().find(within).unwrap_or(Calendar::Always),
    }
}

/// The three stamps in the middle.
fn contradiction(stamps: &[Stamp], what: &str) -> Error {
    let middle = (stamps.len() / 2).max(1) - 1;
    let shown: Vec<String> = stamps.iter().skip(middle).take(3).map(Stamp::to_string).collect();
    Error::Spacing { stamps: shown.join(", "), what: what.to_owned() }
}
