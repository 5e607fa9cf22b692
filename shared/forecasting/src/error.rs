use jiff::civil::Date;

use crate::{Cadence, Stamp};

/// Why an input was refused. All are properties of the input: trying again changes nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the name of a series.
    #[error("'{text}' is not a ticker: {why}")]
    Ticker {
        /// What was given, shortened.
        text: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// Not a date.
    #[error("'{text}' is not a date: one is written as 2020-12-31")]
    Date {
        /// What was given, shortened.
        text: String,
    },
    /// The exchange is closed on this date, or the calendar does not reach it.
    #[error("{date} is no session of the New York Stock Exchange ({why})")]
    NotASession {
        /// The date.
        date: Date,
        /// Weekend, the holiday's name, or the calendar's bounds.
        why: &'static str,
    },
    /// A kind of numbers that there is not.
    #[error("'{text}': {what}")]
    Kind {
        /// What was written.
        text: String,
        /// What would be one.
        what: &'static str,
    },
    /// Not a program's name.
    #[error("'{text}' is no program's name: up to 24 small letters, digits, '-' and '_'")]
    Program {
        /// What was written.
        text: String,
    },
    /// Not a cadence or a calendar.
    #[error("'{text}' is none: {what}")]
    Cadence {
        /// What was given, shortened.
        text: String,
        /// What there is.
        what: &'static str,
    },
    /// A stamp on which a series of this cadence has no period.
    #[error("{stamp} is no period of the cadence {cadence}: {why}")]
    NoPeriod {
        /// The stamp.
        stamp: Stamp,
        /// What it was to be a period of.
        cadence: Cadence,
        /// Why not.
        why: String,
    },
    /// Stamps that no cadence explains, or not the one that was declared.
    #[error("the rows are dated {stamps}, ...: {what}; leave cadence out, or write the one that they have")]
    Spacing {
        /// Three of them.
        stamps: String,
        /// What they contradict.
        what: String,
    },
    /// A row of a price history that cannot be used.
    #[error("row {row} ({date}): {what}")]
    Row {
        /// Row in its source, from 1; a header does not count.
        row: usize,
        /// The row's date.
        date: Stamp,
        /// What is wrong with it.
        what: String,
    },
    /// No usable row at all.
    #[error("no row has a price")]
    NoPrices,
    /// Too few sessions to say anything.
    #[error("{got} sessions since {first} are too few: {needed} are needed")]
    TooShort {
        /// First session.
        first: Stamp,
        /// Sessions there are.
        got: usize,
        /// Sessions needed.
        needed: usize,
    },
    /// The price never moves over a stretch that models are fitted or compared on.
    #[error("the price stands still from {first} to {last}: halted, or not traded, so there is nothing to forecast")]
    NoVariation {
        /// First session of the stretch.
        first: Stamp,
        /// Its last session.
        last: Stamp,
    },
    /// A model could not be fitted or read.
    #[error("{model}: {reason}")]
    Model {
        /// Which model.
        model: String,
        /// Why.
        reason: String,
    },
    /// A prediction level outside 1..=99.99.
    #[error("level {got} is not a percentage from 1 to 99.99, such as 80")]
    Level {
        /// What was given.
        got: String,
    },
    /// A series was asked for a session that it does not hold.
    #[error("no bar on {date}, where the model or the forecast at hand ends: are these prices of another source?")]
    NoBar {
        /// The period.
        date: Stamp,
    },
}
