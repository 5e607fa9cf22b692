use async_trait::async_trait;
use forecasting::{Row, Ticker};
use jiff::{Timestamp, civil::Date};

use crate::Error;

/// Rows as a market gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Oldest first, as given: unchecked.
    pub rows: Vec<Row>,
    /// When they were read from a live market; `None` where they were recorded long after their sessions.
    pub read_at: Option<Timestamp>,
}

/// The source of bars.
///
/// * Rows are those of `from..=to`, oldest first, in the source's present adjustment. Later rows are never returned,
///   whatever the source knows: a run must not see past its as-of.
/// * No rows in the range is an empty history, not an error. **Unknown** ([`Error::UnknownTicker`]) is only said where the
///   source itself says so; a quota, a time-out or an unreadable answer must never read as absence.
/// * What the source gave but cannot be a history is [`Error::RefusedData`], with the bytes kept by
///   [`MarketData::rejected`].
/// * The adapter has its own time-outs and bounded retries; an error that is still transient has outlived them.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// The rows of one series.
    async fn history(&self, ticker: &Ticker, from: Date, to: Date) -> Result<History, Error>;

    /// The raw bytes behind a refused history, where they come from a file or a stream that may not be asked again.
    async fn rejected(&self, _ticker: &Ticker) -> Option<Vec<u8>> {
        None
    }
}

#[async_trait]
impl<M: MarketData + ?Sized> MarketData for std::sync::Arc<M> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Date) -> Result<History, Error> {
        (**self).history(ticker, from, to).await
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<Vec<u8>> {
        (**self).rejected(ticker).await
    }
}
