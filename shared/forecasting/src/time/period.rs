use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{Cadence, Calendar, Stamp, Step, TradingDay};
use crate::Error;

/// One period of a series, such as a session of the New York Stock Exchange, an hour or a month: it knows its cadence, and so the
/// periods that follow it.
///
/// Stored, it names its cadence where that is not the session: `2020-12-11`, `2020-12-13/1week`, `417/index`. People read it as a
/// date, a time or an index.
///
/// ```
/// use forecasting::Period;
///
/// let friday: Period = "2020-12-11".parse()?;
/// assert_eq!(friday.next().to_string(), "2020-12-14");
/// let month: Period = "2020-12-31/1month".parse()?;
/// assert_eq!(month.plus(2).to_string(), "2021-02-28");
/// assert!("2020-12-25".parse::<Period>().is_err());
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    /// Seconds since 1970 of its beginning, or its index.
    pub(super) at: i64,
    pub(super) cadence: Cadence,
}

pub(super) const DAY: i64 = 86_400;

impl Period {
    /// What it is a period of.
    pub fn cadence(self) -> Cadence {
        self.cadence
    }

    /// As a source would write it.
    pub fn stamp(self) -> Stamp {
        match self.cadence.step {
            Step::Index => Stamp::Index(self.at.unsigned_abs()),
            Step::Minutes { .. } => Stamp::Moment(self.begins()),
            _ => Stamp::Date(self.date()),
        }
    }

    /// The day it begins on, in UTC; of an index, that many days after 1970 began.
    pub fn date(self) -> Date {
        let days = if self.cadence.step == Step::Index { self.at } else { self.at.div_euclid(DAY) };
        day(days)
    }

    /// When it begins, in UTC.
    pub(super) fn begins(self) -> Timestamp {
        Timestamp::from_second(self.at).unwrap_or(Timestamp::MAX)
    }

    /// When its value is known: a session at its bell, any other period at its end.
    pub fn ends(self) -> Timestamp {
        match (self.cadence.step, self.cadence.calendar) {
            (Step::Day, Calendar::Exchange(exchange)) => exchange.bell(self.date()),
            // The last bar of a day may follow the clock beyond the bell.
            (Step::Minutes { count, .. }, calendar) => {
                let end =
                    self.begins().saturating_add(SignedDuration::from_mins(count.into())).unwrap_or(Timestamp::MAX);
                match calendar {
                    Calendar::Exchange(exchange) => end.min(exchange.bell(exchange.date(self.begins()))),
                    _ => end,
                }
            }
            (Step::Day, Calendar::Dates(_)) => {
                self.begins().saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
            }
            _ => self.next().begins(),
        }
    }

    /// Whether it has ended by then; an index has.
    pub fn has_ended(self, now: Timestamp) -> bool {
        self.cadence.step == Step::Index || self.ends() <= now
    }

    /// The session of the New York Stock Exchange that it is; none of another cadence.
    pub fn session(self) -> Option<TradingDay> {
        (self.cadence == Cadence::SESSION).then(|| TradingDay::new(self.date()).ok()).flatten()
    }

    /// Whether what is read now may still be corrected: of a session until 20:00 in New York, of any other period until it ends.
    pub fn is_preliminary_at(self, now: Timestamp) -> bool {
        match self.session() {
            Some(session) => session.is_preliminary_at(now),
            None => self.cadence.step != Step::Index && now < self.ends(),
        }
    }

    /// The next period. The calendar's last one is its own successor.
    #[must_use]
    pub fn next(self) -> Period {
        self.cadence.after(self)
    }

    /// The period before.
    #[must_use]
    pub fn previous(self) -> Period {
        self.cadence.before(self)
    }

    /// Whether its calendar has so many periods after it.
    pub fn has_after(self, periods: usize) -> bool {
        periods == 0 || self.plus(periods) != self.plus(periods - 1)
    }

    /// The period this many later.
    #[must_use]
    pub fn plus(self, periods: usize) -> Period {
        (0..periods).fold(self, |period, _| period.next())
    }

    /// Periods after this one up to and including `later`; 0 where it is not later.
    pub fn periods_until(self, later: Period) -> usize {
        if let Some(regular) = self.cadence.regular() {
            return usize::try_from((later.at - self.at).div_euclid(regular)).unwrap_or(0);
        }
        let (mut period, mut count) = (self, 0);
        while period.at < later.at {
            let next = period.next();
            if next == period {
                break;
            }
            (period, count) = (next, count + 1);
        }
        count
    }

    /// Serialises it as people and other programs read it, without its cadence.
    ///
    /// # Errors
    /// The serialiser's.
    pub fn plain<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(super) fn day(since_1970: i64) -> Date {
    Date::constant(1970, 1, 1)
        .checked_add(SignedDuration::from_hours(24 * since_1970.clamp(-4_371_000, 2_932_000)))
        .unwrap_or(Date::MAX)
}

pub(super) fn days(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

impl From<TradingDay> for Period {
    fn from(day: TradingDay) -> Period {
        Period { at: days(day.date()) * DAY, cadence: Cadence::SESSION }
    }
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(text: &str) -> Result<Period, Error> {
        match text.split_once('/') {
            None => Ok(text.parse::<TradingDay>()?.into()),
            Some((stamp, cadence)) => {
                let stamp: Stamp = stamp.parse()?;
                cadence.parse::<Cadence>()?.of_dates_like(stamp).period(stamp)
            }
        }
    }
}

impl TryFrom<String> for Period {
    type Error = Error;

    fn try_from(text: String) -> Result<Period, Error> {
        text.parse()
    }
}

/// As it is stored.
impl From<Period> for String {
    fn from(period: Period) -> String {
        if period.cadence == Cadence::SESSION {
            period.to_string()
        } else {
            format!("{}/{}", period.stamp(), period.cadence)
        }
    }
}

/// As people and other programs read it: ISO 8601, or an index.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stamp() {
            Stamp::Index(index) => f.pad(&index.to_string()),
            Stamp::Moment(at) => f.pad(&at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Stamp::Date(date) => f.pad(&date.to_string()),
        }
    }
}
