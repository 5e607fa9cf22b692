use forecasting::{Period, Stamp, Ticker};
use jiff::civil::Date;

use crate::{RunId, VersionId};

/// Why a stage failed. [`Error::is_transient`] says whether trying again can help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data or a model was refused.
    #[error("{ticker}: {source}")]
    Forecasting {
        /// Which series.
        ticker: Ticker,
        /// Why.
        source: Box<forecasting::Error>,
    },
    /// The market has no such series.
    #[error("{ticker}: {reason}")]
    UnknownTicker {
        /// Which series.
        ticker: Ticker,
        /// What the market said.
        reason: String,
    },
    /// The market answered with something that is no price history.
    #[error("{ticker}: {reason}")]
    RefusedData {
        /// Which series.
        ticker: Ticker,
        /// What is wrong with it.
        reason: String,
    },
    /// The market knows the series, but has no price of it in the range.
    #[error("{ticker}: no price {}up to {to}", from.map(|from| format!("from {from} ")).unwrap_or_default())]
    NoPrices {
        /// Which series.
        ticker: Ticker,
        /// First date asked for.
        from: Option<Date>,
        /// Last date asked for.
        to: Stamp,
    },
    /// No bar for so long that the series must be delisted, renamed or halted.
    #[error(
        "{ticker}: no bar since {last}, {sessions} sessions before {as_of}: delisted, renamed or halted, so nothing is trained"
    )]
    Stale {
        /// Which series.
        ticker: Ticker,
        /// Its last session with a bar.
        last: Period,
        /// Sessions since.
        sessions: usize,
        /// The run's as-of session.
        as_of: Stamp,
    },
    /// The market cannot be reached, or not now.
    #[error("{ticker}: {reason}")]
    MarketUnavailable {
        /// Which series was asked for.
        ticker: Ticker,
        /// What happened.
        reason: String,
    },
    /// The market does not accept our credentials.
    #[error("{reason}")]
    Unauthorized {
        /// What it said.
        reason: String,
    },
    /// The plan's quota of requests is used up.
    #[error("{ticker}: {reason}")]
    QuotaExceeded {
        /// Which series was asked for.
        ticker: Ticker,
        /// What it said, and when the quota is renewed.
        reason: String,
        /// It starts anew within the hour; otherwise not before the next day or month.
        hourly: bool,
    },
    /// The archive or the ledger cannot be read or written now.
    #[error("{what} cannot be {action}: {reason}")]
    Store {
        /// The key or the file.
        what: String,
        /// `read`, `written`, ...
        action: &'static str,
        /// What happened.
        reason: String,
        /// Whether trying again can help.
        transient: bool,
    },
    /// Another writer came before: what is to be kept was derived from what has changed.
    #[error("{what} was changed by another writer meanwhile")]
    Raced {
        /// What was to be kept.
        what: String,
    },
    /// Another process is at work on the same data.
    #[error("another closing-bell is working on {what}: wait for it to end")]
    Busy {
        /// The data directory.
        what: String,
    },
    /// There is no ledger: no run has ever been held there.
    #[error("there is no ledger at {path}: nothing has been run there")]
    NothingYet {
        /// Where it would be.
        path: String,
    },
    /// An object that should be there is not.
    #[error("{key} is missing from the archive")]
    Missing {
        /// Its key.
        key: String,
    },
    /// An object is not what it was when it was written.
    #[error("{key} is damaged: {reason}")]
    Damaged {
        /// Its key.
        key: String,
        /// What does not fit.
        reason: String,
    },
    /// The ledger is not the one that belongs to the archive.
    #[error(
        "the ledger does not know run {run}, of which the archive has a report: it was lost, emptied or exchanged. Put it back, or make it anew with `closing-bell recover`"
    )]
    OtherLedger {
        /// The run.
        run: RunId,
    },
    /// Two different contents for one immutable key.
    #[error("{key} already holds other content, and archived objects are never overwritten")]
    Conflict {
        /// The key.
        key: String,
    },
    /// Another run moved the champion at the same moment.
    #[error("{ticker}: the champion changed while this verdict was being reached")]
    ChampionMoved {
        /// Which series.
        ticker: Ticker,
    },
    /// There is no forecast on record to answer from.
    #[error("{ticker} is unknown: no run has made a forecast for it")]
    NoForecast {
        /// Which series.
        ticker: Ticker,
    },
    /// Made by another release, whose numbers this one does not claim to find again.
    #[error("{what} was made by {theirs}, this is {ours}: verify it with the release that made it")]
    OtherRelease {
        /// The version or the run.
        what: String,
        /// What made it.
        theirs: String,
        /// What this is.
        ours: String,
    },
    /// A program that is to say what a version forecasts does not.
    #[error("the program of version {version} says nothing: {reason}")]
    Program {
        /// Which version.
        version: VersionId,
        /// Why.
        reason: String,
    },
    /// A request outside its bounds.
    #[error("{field}: {reason}")]
    Request {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Whether what was asked for could not be reached, for a while or for want of a permission: nothing is known of it, and it may be whole.
    pub fn is_unreachable(&self) -> bool {
        self.is_transient() || matches!(self, Error::Store { .. })
    }

    /// Whether the same call may succeed later with nothing changed on our side.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::MarketUnavailable { .. }
            | Error::ChampionMoved { .. }
            | Error::Raced { .. }
            | Error::Busy { .. } => true,
            Error::QuotaExceeded { hourly, .. } => *hourly,
            Error::Store { transient, .. } => *transient,
            _ => false,
        }
    }
}

/// Names the ticker in an error of the pure crates.
pub(crate) fn about(ticker: &Ticker) -> impl Fn(forecasting::Error) -> Error + '_ {
    |source| Error::Forecasting { ticker: ticker.clone(), source: Box::new(source) }
}
