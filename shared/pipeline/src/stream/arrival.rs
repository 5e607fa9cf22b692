use std::fmt;

use forecasting::{Stamp, Ticker};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A row as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Of which series.
    pub ticker: Ticker,
    /// Of which period.
    pub at: Stamp,
    /// Its value.
    pub value: f64,
    /// What orders it among rows of the same period.
    pub mark: Mark,
    /// When it became known: the broker's or the store's time.
    pub known: Timestamp,
}

/// A row that is none, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refused {
    /// As it came, cut off where it is long.
    pub row: String,
    /// Where it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What is wrong with it.
    pub reason: String,
}

/// What orders a row among others of the same period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The producer's own revision, or the time that it gives the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Where it stood in its source, where positions there have an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// Where a row stood: positions of one partition have an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The topic, stream or queue.
    pub source: String,
    /// The partition or shard.
    pub partition: i32,
    /// The offset, or the sequence number: digits.
    pub offset: Offset,
}

/// A place within a partition: a number of any length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub String);

impl From<i64> for Offset {
    fn from(offset: i64) -> Offset {
        Offset(offset.to_string())
    }
}

impl Ord for Offset {
    fn cmp(&self, other: &Offset) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Offset {
    fn partial_cmp(&self, other: &Offset) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.source, self.partition, self.offset.0)
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The next period: the model in service took it in.
    Advanced,
    /// It waits for a run: no model in service waits for it.
    Waiting,
    /// It is later than the next period.
    Ahead,
    /// Its period had passed without a value.
    Late,
    /// Its period had another value.
    Revised,
    /// The same value with a newer revision.
    Confirmed,
}

impl How {
    /// All of them, in the order of their numbers in a table.
    pub const ALL: [How; 6] = [How::Advanced, How::Waiting, How::Ahead, How::Late, How::Revised, How::Confirmed];
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its place among its series' rows, from 1.
    pub sequence: u64,
    /// Its period: see [`Form`].
    pub at: i64,
    /// How its period was written.
    pub form: Form,
    /// Its value.
    pub value: f64,
    /// What orders it.
    #[serde(flatten)]
    pub mark: Mark,
    /// When it became known.
    pub known: Timestamp,
    /// What became of it.
    pub how: How,
    /// What the model in service had forecast of it, where it took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<f64>,
}

/// How a period was written: as a number, it is the seconds since 1970 at which it begins, or its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A day.
    Date,
    /// A moment.
    Moment,
    /// An index.
    Index,
}

impl Form {
    /// All of them, in the order of their numbers in a table.
    pub const ALL: [Form; 3] = [Form::Date, Form::Moment, Form::Index];

    /// A stamp as a number.
    pub fn of(stamp: Stamp) -> (i64, Form) {
        match stamp {
            Stamp::Date(date) => (midnight(date), Form::Date),
            Stamp::Moment(at) => (at.as_second(), Form::Moment),
            Stamp::Index(index) => (i64::try_from(index).unwrap_or(i64::MAX), Form::Index),
        }
    }

    /// The stamp that a number was.
    pub fn stamp(self, at: i64) -> Stamp {
        let moment = || Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
        match self {
            Form::Date => Stamp::moment(moment()).date().map_or(Stamp::Index(0), Stamp::Date),
            Form::Moment => Stamp::moment(moment()),
            Form::Index => Stamp::Index(at.unsigned_abs()),
        }
    }
}

fn midnight(date: Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(i64::MAX, |zoned| zoned.timestamp().as_second())
}

impl Kept {
    /// Its period.
    pub fn stamp(&self) -> Stamp {
        self.form.stamp(self.at)
    }
}
