use std::{cmp::Ordering, fmt, str::FromStr};

use jiff::{Timestamp, Unit, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Error, Period, TradingDay};

/// A date, a moment or an index: when a row is, as its source writes it, and what a run may know, whatever the cadence of its series.
///
/// ```
/// use forecasting::Stamp;
///
/// let (day, noon): (Stamp, Stamp) = ("2020-12-11".parse()?, "2020-12-11T12:00Z".parse()?);
/// assert!(noon < day, "a date is over when its day is");
/// assert_eq!("417".parse::<Stamp>()?.to_string(), "0000000417");
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Stamp {
    /// A day.
    Date(Date),
    /// A moment, to the minute.
    Moment(Timestamp),
    /// A place in a series without dates, from 0 to 9,999,999,999.
    Index(u64),
}

/// As many digits as a date has characters.
const DIGITS: usize = 10;

impl Stamp {
    /// A moment, to the minute.
    pub fn moment(at: Timestamp) -> Stamp {
        Stamp::Moment(at.round(Unit::Minute).unwrap_or(at))
    }

    /// The day it is on, in UTC; none of an index.
    pub fn date(self) -> Option<Date> {
        match self {
            Stamp::Date(date) => Some(date),
            Stamp::Moment(at) => Some(utc(at)),
            Stamp::Index(_) => None,
        }
    }

    /// Whether it is not before `from` and not after `to`. Dates bound no index.
    pub fn is_within(self, from: Date, to: Stamp) -> bool {
        let begun = self.date().is_none_or(|date| date >= from);
        let known = match (self, to) {
            (Stamp::Index(_), Stamp::Date(_) | Stamp::Moment(_))
            | (Stamp::Date(_) | Stamp::Moment(_), Stamp::Index(_)) => true,
            // A day is over at its end.
            _ => self <= to,
        };
        begun && known
    }

    /// What a text is compared with that may be no later: in text too, a day includes its moments.
    pub fn bound(self) -> String {
        match self {
            Stamp::Date(date) => format!("{date}~"),
            other => other.to_string(),
        }
    }

    /// As it stands in ids and keys: sortable, and without a colon.
    pub fn in_keys(self) -> String {
        self.to_string().replace(':', "")
    }
}

pub(super) fn utc(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// By time; a date comes after the moments of its day. Indices come after both.
impl Ord for Stamp {
    fn cmp(&self, other: &Stamp) -> Ordering {
        let rank = |stamp: &Stamp| match *stamp {
            Stamp::Date(date) => (0, Some(date), Timestamp::MAX, 0),
            Stamp::Moment(at) => (0, Some(utc(at)), at, 0),
            Stamp::Index(index) => (1, None, Timestamp::MIN, index),
        };
        rank(self).cmp(&rank(other))
    }
}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Stamp) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Date> for Stamp {
    fn from(date: Date) -> Stamp {
        Stamp::Date(date)
    }
}

impl From<TradingDay> for Stamp {
    fn from(day: TradingDay) -> Stamp {
        Stamp::Date(day.date())
    }
}

impl From<Period> for Stamp {
    fn from(period: Period) -> Stamp {
        period.stamp()
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> String {
        stamp.to_string()
    }
}

impl TryFrom<String> for Stamp {
    type Error = Error;

    fn try_from(text: String) -> Result<Stamp, Error> {
        text.parse()
    }
}

impl FromStr for Stamp {
    type Err = Error;

    /// `2020-12-11`, `2020-12-11T13:00Z` (or without the colon, as in keys), or digits alone.
    fn from_str(text: &str) -> Result<Stamp, Error> {
        let refused = || Error::Date { text: text.chars().take(40).collect() };
        if !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Stamp::Index).map_err(|_| refused());
        }
        if text.len() == DIGITS {
            return text.parse().map(Stamp::Date).map_err(|_| refused());
        }
        let (date, time) = text.split_once('T').ok_or_else(refused)?;
        let time = time.strip_suffix('Z').ok_or_else(refused)?;
        let time = match time.len() {
            4 if time.is_ascii() => format!("{}:{}", &time[..2], &time[2..]),
            _ => time.to_owned(),
        };
        format!("{date}T{time}Z").parse::<Timestamp>().map(Stamp::moment).map_err(|_| refused())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stamp::Date(date) => f.pad(&date.to_string()),
            Stamp::Moment(at) => f.pad(&at.strftime("%Y-%m-%dT%H:%MZ").to_string()),
            Stamp::Index(index) => f.pad(&format!("{index:0DIGITS$}")),
        }
    }
}
