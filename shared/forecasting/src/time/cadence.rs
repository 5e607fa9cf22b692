use std::{fmt, str::FromStr};

use jiff::{Span, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    Calendar, Period, Stamp, TradingDay,
    period::{DAY, day, days},
};
use crate::Error;

/// How a series goes on: its step, and which steps its calendar leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cadence {
    /// From one period to the next.
    pub step: Step,
    /// When there are any.
    pub calendar: Calendar,
}

/// From one period to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// So many minutes, up to half a day, which begin this many minutes past a whole number of them since midnight: of an exchange its own
    /// midnight, otherwise that of UTC.
    Minutes {
        /// See above.
        count: u16,
        /// See above.
        offset: u16,
    },
    /// A day.
    Day,
    /// A week, dated on this weekday: so many days after a Monday.
    Week {
        /// See above.
        day: u8,
    },
    /// So many months, dated on this day of the month, from 1 to 27; 31 is the last one.
    Months {
        /// 1, 3 or 12.
        count: u8,
        /// See above.
        day: u8,
    },
    /// One: the series has no dates.
    Index,
}

const LAST_OF_MONTH: u8 = 31;
const HALF_A_DAY: u16 = 720;
/// No exchange is closed for longer, in days.
pub(super) const MAX_CLOSURE: i64 = 15;

impl Cadence {
    /// A session of the New York Stock Exchange.
    pub const SESSION: Cadence = Cadence { step: Step::Day, calendar: Calendar::XNYS };
    /// A day, weekends included.
    pub const DAY: Cadence = Cadence::always(Step::Day);
    /// A series without dates.
    pub const INDEX: Cadence = Cadence { step: Step::Index, calendar: Calendar::Always };

    /// The same steps on another calendar.
    ///
    /// # Errors
    /// [`Error::Cadence`] where they have none.
    pub fn on(self, calendar: Calendar) -> Result<Cadence, Error> {
        if calendar != Calendar::Always && !matches!(self.step, Step::Minutes { .. } | Step::Day) {
            return Err(Error::Cadence {
                text: format!("{}@{calendar}", self.step_in_words()),
                what: "only a day, or a shorter step, has a calendar",
            });
        }
        if matches!(calendar, Calendar::Dates(_)) && self.step != Step::Day {
            return Err(Error::Cadence {
                text: format!("{}@{calendar}", self.step_in_words()),
                what: "a list of dates is one of days",
            });
        }
        Ok(Cadence { calendar, ..self })
    }

    pub(super) const fn always(step: Step) -> Cadence {
        Cadence { step, calendar: Calendar::Always }
    }

    /// The period of a stamp.
    ///
    /// # Errors
    /// A sentence that says why there is none: another kind of stamp, a closed day, a time between two bars.
    pub fn period(self, stamp: Stamp) -> Result<Period, Error> {
        let refused = |why: String| Error::NoPeriod { stamp, cadence: self, why };
        let at = match (self.step, stamp) {
            (Step::Index, Stamp::Index(index)) => i64::try_from(index).unwrap_or(i64::MAX),
            (Step::Index, _) => return Err(refused("an index is a whole number".to_owned())),
            (_, Stamp::Index(_)) => {
                return Err(refused("it is no date; cadence = \"index\" is a series without dates".to_owned()));
            }
            (Step::Minutes { count, offset }, Stamp::Moment(at)) => {
                if at.as_second() % 60 != 0 || self.calendar.offset(at, count) != offset {
                    let hour = if offset == 0 { String::new() } else { format!(", and {offset} minutes") };
                    let bars = self.step_in_words();
                    return Err(refused(format!("its bars begin at a whole number of {bars} since midnight{hour}")));
                }
                if !self.calendar.is_open(at, count, offset) {
                    return Err(refused(format!("the calendar {} is closed then", self.calendar)));
                }
                at.as_second()
            }
            (Step::Minutes { .. }, Stamp::Date(_)) => return Err(refused("a date has no time".to_owned())),
            (_, Stamp::Moment(at)) if at.as_second().rem_euclid(DAY) != 0 => {
                return Err(refused("it is within a day".to_owned()));
            }
            (_, stamp) => days(stamp.date().unwrap_or(Date::MIN)) * DAY,
        };
        let period = Period { at, cadence: self };
        match self.step {
            Step::Day if self == Cadence::SESSION => Ok(TradingDay::new(period.date())?.into()),
            Step::Day => match self.calendar.closure(period.date()) {
                Some(why) => Err(refused(format!("no session: {why}"))),
                None => Ok(period),
            },
            Step::Week { day } if weekday(period.date()) != day => {
                let named = jiff::civil::Weekday::Monday.wrapping_add(day);
                Err(refused(format!("its periods are dated on a {named:?}")))
            }
            Step::Months { day: 28..=30, .. } => Err(refused(
                "not every month has that day: date its periods on the last day of a month, or on one up to the 27th"
                    .to_owned(),
            )),
            Step::Months { day, .. } if anchor(period.date()) != day => Err(refused(format!(
                "its periods are dated on {}",
                if day == LAST_OF_MONTH {
                    "the last day of a month".to_owned()
                } else {
                    format!("day {day} of a month")
                }
            ))),
            _ => Ok(period),
        }
    }

    /// So many of its periods in words: `38 sessions`, `1 week`.
    pub fn count(self, periods: usize) -> String {
        format!("{periods} {}{}", self.unit(), if periods == 1 { "" } else { "s" })
    }

    /// The same as a heading: `Session`, `Week`.
    pub fn heading(self) -> String {
        let mut letters = self.unit().chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    }

    /// What one of its periods is called: `session`, `week`.
    pub fn unit(self) -> &'static str {
        match self.step {
            Step::Day if matches!(self.calendar, Calendar::Exchange(_)) => "session",
            Step::Day => "day",
            Step::Week { .. } => "week",
            Step::Months { count: 1, .. } => "month",
            Step::Months { count: 3, .. } => "quarter",
            Step::Months { .. } => "year",
            Step::Minutes { count: 60, .. } => "hour",
            Step::Minutes { .. } => "bar",
            Step::Index => "period",
        }
    }

    /// With the day of the week or month, or the minutes past a whole step, that a stamp is on.
    #[must_use]
    pub fn of_dates_like(self, stamp: Stamp) -> Cadence {
        let step = match (self.step, stamp, stamp.date()) {
            (Step::Week { .. }, _, Some(date)) => Step::Week { day: weekday(date) },
            (Step::Months { count, .. }, _, Some(date)) => Step::Months { count, day: anchor(date) },
            (Step::Minutes { count, .. }, Stamp::Moment(at), _) => {
                Step::Minutes { count, offset: self.calendar.offset(at, count) }
            }
            (step, ..) => step,
        };
        Cadence { step, ..self }
    }

    /// Its step, as `5min`, `1hour` or `1day`.
    pub fn step_in_words(self) -> String {
        match self.step {
            Step::Minutes { count, .. } if count % 60 == 0 => format!("{}hour", count / 60),
            Step::Minutes { count, .. } => format!("{count}min"),
            Step::Day => "1day".to_owned(),
            Step::Week { .. } => "1week".to_owned(),
            Step::Months { count: 1, .. } => "1month".to_owned(),
            Step::Months { count: 3, .. } => "1quarter".to_owned(),
            Step::Months { .. } => "1year".to_owned(),
            Step::Index => "index".to_owned(),
        }
    }

    /// Of a whole day, around the clock; 1 of longer steps.
    pub fn periods_a_day(self) -> i64 {
        match self.step {
            Step::Minutes { count, .. } => 1440 / i64::from(count.max(1)),
            _ => 1,
        }
    }

    /// Its newest period that has ended at a moment; none of an index.
    pub fn last_ended(self, now: Timestamp) -> Option<Period> {
        let step = match self.step {
            Step::Index => return None,
            Step::Minutes { count, .. } => 60 * i64::from(count),
            _ => DAY,
        };
        // Some step within the longest closure, or month, is one.
        let newest = now.as_second().div_euclid(step) * step;
        let stamps = (0..).map(|n| newest - n * step).take_while(|at| newest - at < 400 * DAY).filter_map(|at| {
            let moment = Stamp::moment(Timestamp::from_second(at).ok()?);
            if step < DAY { Some(moment) } else { moment.date().map(Stamp::Date) }
        });
        let mut periods = stamps.filter_map(|stamp| self.of_dates_like(stamp).period(stamp).ok());
        periods.find(|period| period.ends() <= now)
    }

    /// The last period that has begun at a stamp.
    pub fn up_to(self, stamp: Stamp, known: Period) -> Period {
        let end = match stamp {
            Stamp::Index(index) => i64::try_from(index).unwrap_or(i64::MAX),
            Stamp::Moment(at) => at.as_second(),
            // Whatever begins on that day.
            Stamp::Date(date) => days(date) * DAY + DAY - 1,
        };
        if let Some(regular) = self.regular() {
            return Period { at: known.at + ((end - known.at).div_euclid(regular)).max(0) * regular, ..known };
        }
        // From the period that is known, forward: what is asked for is near it.
        let mut period = known;
        loop {
            let next = period.next();
            if next == period || next.at > end {
                return period;
            }
            period = next;
        }
    }

    /// Seconds, or indices, between two periods, where they are always the same.
    pub(super) fn regular(self) -> Option<i64> {
        match (self.step, self.calendar) {
            (Step::Index, _) => Some(1),
            (Step::Minutes { count, .. }, Calendar::Always) => Some(60 * i64::from(count)),
            (Step::Day, Calendar::Always) => Some(DAY),
            (Step::Week { .. }, _) => Some(7 * DAY),
            _ => None,
        }
    }

    pub(super) fn before(self, period: Period) -> Period {
        self.neighbour(period, -1)
    }

    pub(super) fn after(self, period: Period) -> Period {
        self.neighbour(period, 1)
    }

    /// The next period one way or the other; the same one where the calendar ends.
    fn neighbour(self, period: Period, way: i64) -> Period {
        let at = |at: i64| Period { at, ..period };
        if let Some(regular) = self.regular() {
            return at(period.at + way * regular);
        }
        match (self.step, self.calendar) {
            (Step::Months { count, day }, _) => at(days(dated(period.date(), way * i64::from(count), day)) * DAY),
            (Step::Minutes { count, offset }, Calendar::Exchange(exchange)) => {
                exchange.neighbour(period.begins(), way, count, offset).map_or(period, |bar| at(bar.as_second()))
            }
            (Step::Minutes { count, offset }, calendar) => {
                let step = way * 60 * i64::from(count);
                let open =
                    |second: &i64| Timestamp::from_second(*second).is_ok_and(|at| calendar.is_open(at, count, offset));
                let most = MAX_CLOSURE * 1440 / i64::from(count.max(1));
                (1..=most).map(|n| period.at + n * step).find(open).map_or(period, at)
            }
            (_, Calendar::Dates(dates)) => {
                dates.neighbour(period.at.div_euclid(DAY), way).map_or(period, |day| at(day * DAY))
            }
            _ => {
                let today = period.at.div_euclid(DAY);
                let open = |n: &i64| self.calendar.closure(day(today + way * n)).is_none();
                (1..MAX_CLOSURE).find(open).map_or(period, |n| at((today + way * n) * DAY))
            }
        }
    }
}

/// So many months later, on this day of the month.
fn dated(date: Date, months: i64, day: u8) -> Date {
    let first = date.first_of_month().saturating_add(Span::new().months(months));
    if day == LAST_OF_MONTH {
        first.last_of_month()
    } else {
        first.saturating_add(Span::new().days(i64::from(day) - 1))
    }
}

/// The weekday that dates its periods, as [`Step::Week`] has it.
pub(super) fn weekday(date: Date) -> u8 {
    date.weekday().to_monday_zero_offset().unsigned_abs()
}

/// The day of the month that dates its periods.
pub(super) fn anchor(date: Date) -> u8 {
    if date == date.last_of_month() { LAST_OF_MONTH } else { date.day().unsigned_abs() }
}

/// `session`, `5min`, `1hour`, `1day`, `1week`, `1month`, `1quarter`, `1year` or `index`, and `@` with its calendar where that is not the
/// usual one.
impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Cadence::SESSION {
            return f.pad("session");
        }
        let step = self.step_in_words();
        if self.calendar == Calendar::Always { f.pad(&step) } else { f.pad(&format!("{step}@{}", self.calendar)) }
    }
}

impl FromStr for Cadence {
    type Err = Error;

    fn from_str(text: &str) -> Result<Cadence, Error> {
        let refused = || Error::Cadence {
            text: text.chars().take(40).collect(),
            what: "a cadence is \"session\", \"1min\" to \"30min\", \"1hour\" to \"12hour\", \"1day\", \"1week\", \"1month\", \"1quarter\", \"1year\" or \"index\"",
        };
        let (step, calendar) = match text.split_once('@') {
            Some((step, calendar)) => (step, Some(calendar.parse::<Calendar>()?)),
            None => (text, None),
        };
        let months = |count| Step::Months { count, day: 1 };
        let minutes = |number: &str, times: u16| {
            let minutes = number.parse::<u16>().ok()?.checked_mul(times)?;
            // A day must hold a whole number of them, so that each day begins with one.
            (minutes > 0 && minutes <= HALF_A_DAY && 1440 % minutes == 0)
                .then_some(Step::Minutes { count: minutes, offset: 0 })
        };
        let step = match step {
            "session" => return Ok(Cadence { step: Step::Day, calendar: calendar.unwrap_or(Calendar::XNYS) }),
            "1day" | "day" => Step::Day,
            "1week" | "week" => Step::Week { day: 0 },
            "1month" | "month" => months(1),
            "1quarter" | "quarter" => months(3),
            "1year" | "year" => months(12),
            "index" => Step::Index,
            _ => match (step.strip_suffix("min"), step.strip_suffix("hour")) {
                (Some(number), _) => minutes(number, 1).ok_or_else(refused)?,
                (_, Some(number)) => minutes(number, 60).ok_or_else(refused)?,
                _ => return Err(refused()),
            },
        };
        Cadence::always(step).on(calendar.unwrap_or(Calendar::Always))
    }
}

impl TryFrom<String> for Cadence {
    type Error = Error;

    fn try_from(text: String) -> Result<Cadence, Error> {
        text.parse()
    }
}

impl From<Cadence> for String {
    fn from(cadence: Cadence) -> String {
        cadence.to_string()
    }
}
