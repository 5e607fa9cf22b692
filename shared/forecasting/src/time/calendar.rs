use std::{borrow::Cow, fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
};
use serde::Deserialize;

use super::{DatesCalendar, Exchange, new_york};
use crate::Error;

/// When a series has periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Calendar {
    /// Around the clock.
    Always,
    /// From Monday to Friday; within a day from Sunday to Friday at 17:00 in New York, as currencies are traded.
    Weekdays,
    /// Sessions of an exchange.
    Exchange(Exchange),
    /// The days of a list.
    Dates(DatesCalendar),
}

impl Calendar {
    /// Sessions of the New York Stock Exchange.
    pub const XNYS: Calendar = Calendar::Exchange(Exchange::Xnys);

    /// Why a day has no period.
    pub(super) fn closure(self, date: Date) -> Option<Cow<'static, str>> {
        match self {
            Calendar::Always => None,
            Calendar::Weekdays => {
                matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday).then_some("it is a weekend".into())
            }
            Calendar::Exchange(exchange) => exchange.closure(date).map(Cow::Borrowed),
            Calendar::Dates(dates) => {
                (!dates.has(date)).then(|| format!("it is not among the dates of '{}'", dates.name()).into())
            }
        }
    }

    /// See [`Step::Minutes`].
    pub(super) fn offset(self, at: Timestamp, count: u16) -> u16 {
        match self {
            Calendar::Exchange(exchange) => exchange.offset(at, count),
            _ => u16::try_from(at.as_second().div_euclid(60).rem_euclid(i64::from(count.max(1)))).unwrap_or(0),
        }
    }

    /// Whether such a bar begins then.
    pub(super) fn is_open(self, at: Timestamp, count: u16, offset: u16) -> bool {
        match self {
            Calendar::Always => true,
            Calendar::Weekdays => {
                let here = at.to_zoned(new_york::new_york());
                match here.weekday() {
                    Weekday::Saturday => false,
                    Weekday::Sunday => here.hour() >= 17,
                    Weekday::Friday => here.hour() < 17,
                    _ => true,
                }
            }
            Calendar::Exchange(exchange) => exchange.has_bar(at, count, offset),
            // A list is one of days.
            Calendar::Dates(_) => false,
        }
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Calendar::Always => f.pad("always"),
            Calendar::Weekdays => f.pad("24x5"),
            Calendar::Exchange(exchange) => exchange.fmt(f),
            Calendar::Dates(dates) => dates.fmt(f),
        }
    }
}

impl FromStr for Calendar {
    type Err = Error;

    fn from_str(text: &str) -> Result<Calendar, Error> {
        match text.to_ascii_lowercase().as_str() {
            "always" | "24/7" | "24x7" => Ok(Calendar::Always),
            "24x5" => Ok(Calendar::Weekdays),
            other => match other.strip_prefix("dates:") {
                Some(name) => DatesCalendar::named(name).map(Calendar::Dates).ok_or_else(|| Error::Cadence {
                    text: text.chars().take(60).collect(),
                    what: "that list of dates is not known here",
                }),
                None => text.parse().map(Calendar::Exchange),
            },
        }
    }
}

impl TryFrom<String> for Calendar {
    type Error = Error;

    fn try_from(text: String) -> Result<Calendar, Error> {
        text.parse()
    }
}
