use async_trait::async_trait;
use forecasting::{Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};

use crate::Error;

/// Rows as a market gave them.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Oldest first, as given: unchecked.
    pub rows: Vec<Row>,
    /// When they were read from a live market; `None` where they were recorded long after their sessions.
    pub read_at: Option<Timestamp>,
    /// What was known beforehand of the periods after them: rows without a value.
    pub ahead: Vec<Row>,
    /// Whether the closes are all that it tells of prices: no dividend, no split, and no adjusted close.
    pub closes_alone: bool,
}

impl History {
    /// What it would have been, had it been asked for less.
    #[must_use]
    pub fn within(mut self, from: Date, to: Stamp) -> History {
        let later = self.rows.iter().filter(|row| row.date > to && !row.regressors.is_empty()).take(MAX_AHEAD);
        let later = later.map(|row| Row { regressors: row.regressors.clone(), ..Row::new(row.number, row.date) });
        let mut ahead: Vec<Row> = later.collect();
        ahead.append(&mut self.ahead);
        self.rows.retain(|row| row.date.is_within(from, to));
        History { ahead, ..self }
    }
}

/// Nobody looks further ahead.
pub(crate) const MAX_AHEAD: usize = 400;

/// The source of bars.
///
/// * Rows are those of `from..=to`, oldest first, in the source's present adjustment. Later rows are never returned,
///   whatever the source knows: a run must not see past its as-of. Of later periods only what a file gives as known beforehand is.
/// * No rows in the range is an empty history, not an error. **Unknown** ([`Error::UnknownTicker`]) is only said where the
///   source itself says so; a quota, a time-out or an unreadable answer must never read as absence.
/// * What the source gave but cannot be a history is [`Error::RefusedData`], with the bytes kept by
///   [`MarketData::rejected`].
/// * The adapter has its own time-outs and bounded retries; an error that is still transient has outlived them.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// The rows of one series.
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error>;

    /// The newest row of a series, and when it was read, where the market tells it together with those of all others; `None`
    /// where it does not. `day` is the session that is waited for.
    async fn newest(&self, _ticker: &Ticker, _day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        Ok(None)
    }

    /// Whether histories cost nothing to read: they are then read whole every time, and no bar is waited for.
    fn is_local(&self) -> bool {
        false
    }

    /// The file or the message behind a refused history, its name and bytes, where it may not be there to be asked for
    /// again.
    async fn rejected(&self, _ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        None
    }
}

#[async_trait]
impl<M: MarketData + ?Sized> MarketData for std::sync::Arc<M> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        (**self).history(ticker, from, to).await
    }

    async fn newest(&self, ticker: &Ticker, day: Date) -> Result<Option<(Row, Timestamp)>, Error> {
        (**self).newest(ticker, day).await
    }

    fn is_local(&self) -> bool {
        (**self).is_local()
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        (**self).rejected(ticker).await
    }
}
