use std::{fmt, str::FromStr};

use jiff::{
    Span, Timestamp,
    civil::{Date, Time, time},
    tz::{self, TimeZone},
};

use super::{cadence::MAX_CLOSURE, listed::Listed, new_york};
use crate::Error;

/// A stock exchange, named by its market identifier code (ISO 10383): on which days it has a session, and when it trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exchange {
    /// New York, and Nasdaq (XNAS), which keeps the same sessions.
    Xnys,
    /// Toronto.
    Xtse,
    /// London.
    Xlon,
    /// Xetra, Frankfurt.
    Xetr,
    /// Tokyo.
    Xtks,
    /// Hong Kong.
    Xhkg,
}

/// From and until when it trades: the whole session, or what is before and after a break.
pub(super) type Spans = [Option<(Time, Time)>; 2];

const MIDNIGHT: Time = time(0, 0, 0, 0);

impl Exchange {
    pub(super) const ALL: [Exchange; 6] =
        [Exchange::Xnys, Exchange::Xtse, Exchange::Xlon, Exchange::Xetr, Exchange::Xtks, Exchange::Xhkg];

    fn mic(self) -> &'static str {
        match self {
            Exchange::Xnys => "XNYS",
            Exchange::Xtse => "XTSE",
            Exchange::Xlon => "XLON",
            Exchange::Xetr => "XETR",
            Exchange::Xtks => "XTKS",
            Exchange::Xhkg => "XHKG",
        }
    }

    /// Why it is closed on this date; `None` on a session.
    pub(super) fn closure(self, date: Date) -> Option<&'static str> {
        match Listed::of(self) {
            Some(table) => table.closure(date),
            None => new_york::closure(date),
        }
    }

    /// When trading ends on a session.
    pub(super) fn bell(self, date: Date) -> Timestamp {
        let bell = match Listed::of(self) {
            Some(table) => table.bell(date),
            None => new_york::bell(date),
        };
        self.at(date, bell)
    }

    fn zone(self) -> TimeZone {
        match self {
            Exchange::Xnys => new_york::new_york(),
            Exchange::Xtse => tz::get!("America/Toronto"),
            Exchange::Xlon => tz::get!("Europe/London"),
            Exchange::Xetr => tz::get!("Europe/Berlin"),
            Exchange::Xtks => tz::get!("Asia/Tokyo"),
            Exchange::Xhkg => tz::get!("Asia/Hong_Kong"),
        }
    }

    /// When the exchange's own clock shows this time. No exchange trades while clocks change.
    fn at(self, date: Date, at: Time) -> Timestamp {
        date.to_datetime(at).to_zoned(self.zone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// Its own date at a moment.
    pub(super) fn date(self, at: Timestamp) -> Date {
        at.to_zoned(self.zone()).date()
    }

    /// By how many minutes its bars are past a whole number of steps since its own midnight, if one begins at this moment.
    pub(super) fn offset(self, at: Timestamp, step: u16) -> u16 {
        minute(at.to_zoned(self.zone()).time()) % step
    }

    /// Whether such a bar begins at this moment. The first and the last of a session may reach beyond trading hours, where bars follow the
    /// clock.
    pub(super) fn has_bar(self, at: Timestamp, step: u16, offset: u16) -> bool {
        let here = at.to_zoned(self.zone());
        self.starts(here.date(), step, offset).any(|start| start == minute(here.time()))
    }

    /// The next bar after this moment or the last one before it.
    pub(super) fn neighbour(self, at: Timestamp, way: i64, step: u16, offset: u16) -> Option<Timestamp> {
        let here = at.to_zoned(self.zone());
        let now = minute(here.time());
        let beyond = move |start: &u16| if way > 0 { *start > now } else { *start < now };
        let first = |date: Date, mut bars: Box<dyn Iterator<Item = u16>>| {
            let bar = if way > 0 { bars.next() } else { bars.last() };
            bar.map(|minute| self.at(date, clock(minute)))
        };
        let today = here.date();
        first(today, Box::new(self.starts(today, step, offset).filter(beyond))).or_else(|| {
            let mut days = (1..MAX_CLOSURE).map(|n| today.saturating_add(Span::new().days(way * n)));
            days.find_map(|date| first(date, Box::new(self.starts(date, step, offset))))
        })
    }

    /// The minutes of its day at which bars begin.
    fn starts(self, date: Date, step: u16, offset: u16) -> impl Iterator<Item = u16> {
        let spans = if self.closure(date).is_none() { self.spans(date) } else { [None, None] };
        starts(spans, step, offset)
    }

    /// The bars of a whole session, by today's hours.
    pub(crate) fn bars_of_a_session(self, step: u16, offset: u16) -> usize {
        let usual = match Listed::of(self) {
            Some(table) => table.usual(),
            None => [Some((time(9, 30, 0, 0), time(16, 0, 0, 0))), None],
        };
        starts(usual, step, offset).count()
    }

    fn spans(self, date: Date) -> Spans {
        match Listed::of(self) {
            Some(table) => table.spans(date),
            None => [Some((time(9, 30, 0, 0), new_york::bell(date))), None],
        }
    }
}

/// The minutes of the day at which a bar begins that some trading falls into.
fn starts(spans: Spans, step: u16, offset: u16) -> impl Iterator<Item = u16> {
    let trades = move |&start: &u16| {
        spans.iter().flatten().any(|&(from, until)| start < minute(until) && start + step > minute(from))
    };
    (offset..1440).step_by(usize::from(step.max(1))).filter(trades)
}

fn minute(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

fn clock(minute: u16) -> Time {
    let (hour, minute) = (i8::try_from(minute / 60), i8::try_from(minute % 60));
    Time::new(hour.unwrap_or(0), minute.unwrap_or(0), 0, 0).unwrap_or(MIDNIGHT)
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mic())
    }
}

impl FromStr for Exchange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Exchange, Error> {
        let code = text.to_ascii_uppercase();
        let known = Exchange::ALL.into_iter().find(|exchange| exchange.mic() == code);
        known.or((code == "XNAS").then_some(Exchange::Xnys)).ok_or_else(|| Error::Cadence {
            text: text.chars().take(40).collect(),
            what: "a calendar is \"XNYS\", \"XNAS\", \"XTSE\", \"XLON\", \"XETR\", \"XTKS\", \"XHKG\", \"24x5\", \"always\" or \"dates:FILE\"",
        })
    }
}
