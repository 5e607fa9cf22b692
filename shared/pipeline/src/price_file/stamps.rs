//! Dates, times and indices, as a column of a file writes them.

use forecasting::Stamp;
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use super::table::quoted;

/// One field, read by itself: what it is may depend on the others.
#[derive(Debug, Clone, Copy)]
enum Field {
    Index(u64),
    Date(Date),
    /// A day and a time, on a clock of this offset where one is given.
    At(DateTime, Option<Offset>),
    /// `a/b/year`.
    Slashed(i8, i8, i16),
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    NoDate,
    InNoCalendar,
}

impl Wrong {
    /// In words.
    pub(super) fn of(self, text: &str) -> String {
        match self {
            Wrong::NoDate => format!("'{}' is no date", quoted(text)),
            Wrong::InNoCalendar => "no calendar has that date".to_owned(),
        }
    }
}

/// The stamps of a column, or what is wrong with a row's: it is that row's series alone which suffers.
///
/// # Errors
/// Where the column as a whole does not tell what its dates are.
pub(super) fn read<'a>(column: impl Iterator<Item = &'a str>) -> Result<Vec<Result<Stamp, Wrong>>, String> {
    let fields: Vec<Option<Field>> = column.map(field).collect();
    let known = || fields.iter().flatten();
    let day_first = day_first(known())?;
    // Days with a time that is always the same are days: midnight, or the closing bell.
    let mut times = known().filter_map(|field| match field {
        Field::At(at, _) => Some(at.time()),
        _ => None,
    });
    let first: Option<Time> = times.next();
    let daily = times.all(|time| Some(time) == first);
    let stamp = |field: Option<Field>| {
        let stamp = match field.ok_or(Wrong::NoDate)? {
            Field::Index(number) => Some(Stamp::Index(number)),
            Field::Date(date) => Some(Stamp::Date(date)),
            Field::At(at, _) if daily => Some(Stamp::Date(at.date())),
            Field::At(at, offset) => {
                let zone = offset.map_or(TimeZone::UTC, TimeZone::fixed);
                at.to_zoned(zone).ok().map(|zoned| Stamp::moment(zoned.timestamp()))
            }
            Field::Slashed(a, b, year) => {
                let (day, month) = if day_first { (a, b) } else { (b, a) };
                Date::new(year, month, day).ok().map(Stamp::Date)
            }
        };
        stamp.ok_or(Wrong::InNoCalendar)
    };
    Ok(fields.into_iter().map(stamp).collect())
}

/// Whether `a/b/year` is day/month/year: some date of the column must tell.
fn day_first<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<bool, String> {
    let slashed: Vec<(i8, i8)> = fields
        .filter_map(|field| match *field {
            Field::Slashed(a, b, _) => Some((a, b)),
            _ => None,
        })
        .collect();
    if slashed.is_empty() {
        return Ok(false);
    }
    match (slashed.iter().any(|&(a, _)| a > 12), slashed.iter().any(|&(_, b)| b > 12)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        (true, true) => Err("some of its dates have the day first, and others the month: write 2020-12-31".to_owned()),
        (false, false) => Err("no date tells whether the day or the month first is meant: write 2020-12-31".to_owned()),
    }
}

/// One by itself; none where only others of its column would tell what it is, or which is within a minute.
pub(crate) fn one(text: &str) -> Option<Stamp> {
    match field(text)? {
        Field::Index(number) => Some(Stamp::Index(number)),
        Field::Date(date) => Some(Stamp::Date(date)),
        Field::At(at, _) if at.second() != 0 || at.subsec_nanosecond() != 0 => None,
        Field::At(at, offset) => {
            let zone = offset.map_or(TimeZone::UTC, TimeZone::fixed);
            at.to_zoned(zone).ok().map(|zoned| Stamp::moment(zoned.timestamp()))
        }
        Field::Slashed(a, b, year) => {
            let (day, month) = if a > 12 { (a, b) } else { (b, a) };
            Some(year).filter(|_| a > 12 || b > 12).and_then(|year| Date::new(year, month, day).ok()).map(Stamp::Date)
        }
    }
}

fn field(text: &str) -> Option<Field> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return digits(text);
    }
    // A date alone: its parser would take a time after it, and drop it.
    if text.len() == 10
        && let Ok(date) = text.parse::<Date>()
    {
        return Some(Field::Date(date));
    }
    let parts: Vec<&str> = text.split(['/', '.']).collect();
    if let [a, b, year] = parts[..]
        && year.len() == 4
        && let (Ok(a), Ok(b), Ok(year)) = (a.parse(), b.parse(), year.parse())
    {
        // Where points part a date, the day comes first.
        return if text.contains('.') {
            Date::new(year, b, a).ok().map(Field::Date)
        } else {
            Some(Field::Slashed(a, b, year))
        };
    }
    // A month.
    if let Some((year, month)) = text.split_once('-')
        && (year.len(), month.len()) == (4, 2)
    {
        return Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok().map(Field::Date);
    }
    at(text)
}

/// `20201211`, Unix seconds, milliseconds, microseconds or nanoseconds, or an index.
fn digits(text: &str) -> Option<Field> {
    let number: u64 = text.parse().ok()?;
    let unix = |moment: Result<Timestamp, jiff::Error>| {
        moment.ok().map(|at| Field::At(at.to_zoned(TimeZone::UTC).datetime(), Some(Offset::UTC)))
    };
    match text.len() {
        8 => {
            let part = |range: std::ops::Range<usize>| text.get(range);
            let date = Date::new(part(0..4)?.parse().ok()?, part(4..6)?.parse().ok()?, part(6..8)?.parse().ok()?);
            date.ok().map(Field::Date)
        }
        0..8 => Some(Field::Index(number)),
        9 | 10 => unix(Timestamp::from_second(i64::try_from(number).ok()?)),
        12 | 13 => unix(Timestamp::from_millisecond(i64::try_from(number).ok()?)),
        15 | 16 => unix(Timestamp::from_microsecond(i64::try_from(number).ok()?)),
        18 | 19 => unix(Timestamp::from_nanosecond(i128::from(number))),
        _ => None,
    }
}

/// `2020-12-11T13:00`, with a blank in place of the T, with seconds, with Z or an offset.
fn at(text: &str) -> Option<Field> {
    let (date, rest) = text.split_once(['T', ' '])?;
    let rest = rest.trim();
    let (time, offset) = match rest.strip_suffix('Z').or_else(|| rest.strip_suffix(" UTC")) {
        Some(time) => (time, Some(Offset::UTC)),
        None => match rest.rfind(['+', '-']) {
            Some(place) => (&rest[..place], Some(offset(&rest[place..])?)),
            None => (rest, None),
        },
    };
    let time: Time = time.trim().parse().ok()?;
    Some(Field::At(date.parse::<Date>().ok()?.to_datetime(time), offset))
}

/// `+02:00`, `+0200` or `+02`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = (if text.starts_with('-') { -1 } else { 1 }, text[1..].replace(':', ""));
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i32>().ok()?, 0),
        4 => (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?),
        _ => return None,
    };
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}
