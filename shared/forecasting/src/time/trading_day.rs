use std::{fmt, str::FromStr};

use super::new_york;
use crate::Error;
use jiff::{
    Span, Timestamp,
    civil::{Date, time},
    tz::TimeZone,
};

/// A day on which the New York Stock Exchange is open: a session.
///
/// ```
/// use forecasting::TradingDay;
///
/// assert!("2020-12-11".parse::<TradingDay>().is_ok());
/// assert!("2020-12-25".parse::<TradingDay>().is_err());
/// # Ok::<(), forecasting::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TradingDay(Date);

/// The hour at which trading usually ends.
const USUAL_BELL: i8 = 16;

impl TradingDay {
    /// The session on this date.
    ///
    /// # Errors
    /// [`Error::NotASession`] with the reason.
    pub fn new(date: Date) -> Result<Self, Error> {
        match new_york::closure(date) {
            None => Ok(TradingDay(date)),
            Some(why) => Err(Error::NotASession { date, why }),
        }
    }

    /// The last session that had closed by this moment: the newest as-of a run can have.
    ///
    /// # Errors
    /// [`Error::NotASession`] where the calendar does not reach.
    pub fn last_closed(now: Timestamp) -> Result<Self, Error> {
        let mut date = TradingDay::date_at(now);
        for _ in 0..14 {
            if let Ok(day) = TradingDay::new(date)
                && day.bell() <= now
            {
                return Ok(day);
            }
            date = date.saturating_sub(Span::new().days(1));
        }
        TradingDay::new(date)
    }

    /// The day that a schedule's run at this moment is for: the last session that has closed; or, in the evening of a day
    /// without a session, that day, so that there is a record of it.
    ///
    /// # Errors
    /// [`Error::NotASession`] where the calendar does not reach.
    pub fn due_at(now: Timestamp) -> Result<Date, Error> {
        let last = TradingDay::last_closed(now)?;
        let here = now.to_zoned(new_york::new_york());
        let no_session = here.hour() >= USUAL_BELL && TradingDay::new(here.date()).is_err();
        Ok(if no_session { here.date() } else { last.date() })
    }

    /// Whether a day is over for the exchange: a session at its bell, any other day when it has begun (in UTC).
    pub fn has_closed(date: Date, now: Timestamp) -> bool {
        match TradingDay::new(date) {
            Ok(day) => day.bell() <= now,
            Err(_) => date <= now.to_zoned(TimeZone::UTC).date(),
        }
    }

    /// The date in New York at a moment, session or not.
    fn date_at(now: Timestamp) -> Date {
        now.to_zoned(new_york::new_york()).date()
    }

    /// The date.
    pub fn date(self) -> Date {
        self.0
    }

    /// When trading ends: 16:00 in New York, or 13:00 on an early close.
    pub fn bell(self) -> Timestamp {
        new_york::in_new_york(self.0, new_york::bell(self.0))
    }

    /// Whether a bar of this session that is read now may still be corrected: the exchanges send corrections until 20:00
    /// in New York.
    pub fn is_preliminary_at(self, now: Timestamp) -> bool {
        now < new_york::in_new_york(self.0, time(20, 0, 0, 0))
    }
}

impl FromStr for TradingDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let date = text.parse::<Date>().map_err(|_| Error::Date { text: text.chars().take(40).collect() })?;
        TradingDay::new(date)
    }
}

impl fmt::Display for TradingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
