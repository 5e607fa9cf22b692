//! What a series' own stamps say of its cadence; and whether they contradict one.

use jiff::civil::{Date, Weekday};

use super::{
    Cadence, Calendar, Period, Stamp, Step,
    cadence::anchor,
    period::{DAY, days},
};
use crate::Error;

/// Of so many days, one may be no session: a mistyped date is to be refused, and not to make another calendar.
const MISTYPED: usize = 50;
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
        let dates = || stamps.iter().filter_map(|stamp| stamp.date());
        let first = stamps.first().and_then(|stamp| stamp.date()).unwrap_or(Date::MIN);
        let months = |count| Cadence::always(Step::Months { count, day: anchor(first) });
        let cadence = match typical {
            None => Some(Cadence::SESSION),
            Some(step) if step < DAY => {
                let minutes =
                    u16::try_from(step / 60).ok().filter(|minutes| step % 60 == 0 && MINUTES.contains(minutes));
                let minutes = minutes.or((step == DAY / 2).then_some(720));
                minutes.map(|minutes| Cadence { step: Step::Minutes(minutes), calendar: hours(stamps) })
            }
            Some(DAY) => Some(daily(dates())),
            Some(step) => match step / DAY {
                7 => Some(Cadence::always(Step::Week)),
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
            Some(step) if step > 1 => {
                let stamps: Vec<Stamp> = periods.iter().map(|period| period.stamp()).collect();
                let what = format!("cadence = \"{self}\" has {} periods between two of them", step - 1);
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

/// Sessions where nearly all are; otherwise weekdays, or every day.
fn daily(dates: impl Iterator<Item = Date>) -> Cadence {
    let (mut all, mut closed, mut weekends) = (0, 0, 0);
    for date in dates {
        all += 1;
        closed += usize::from(super::calendar::closure(date).is_some());
        weekends += usize::from(matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday));
    }
    let few = (all / MISTYPED).max(1);
    let calendar = match (closed <= few, weekends <= few) {
        (true, _) => Calendar::Xnys,
        (false, true) => Calendar::Weekdays,
        (false, false) => Calendar::Always,
    };
    Cadence { step: Step::Day, calendar }
}

/// The narrowest calendar that all of them are within.
fn hours(stamps: &[Stamp]) -> Calendar {
    let within =
        |calendar: &Calendar| stamps.iter().all(|stamp| matches!(stamp, Stamp::Moment(at) if calendar.is_open(*at)));
    // Some hours of one day say nothing of weekends.
    let (first, last) = (stamps.first().map_or(0, |s| second(*s)), stamps.last().map_or(0, |s| second(*s)));
    let calendars = [Calendar::Xnys, Calendar::Weekdays];
    let known = if last - first >= 7 * DAY { calendars.iter().copied().find(within) } else { None };
    known.unwrap_or(Calendar::Always)
}

/// The three stamps in the middle.
fn contradiction(stamps: &[Stamp], what: &str) -> Error {
    let middle = (stamps.len() / 2).max(1) - 1;
    let shown: Vec<String> = stamps.iter().skip(middle).take(3).map(Stamp::to_string).collect();
    Error::Spacing { stamps: shown.join(", "), what: what.to_owned() }
}
