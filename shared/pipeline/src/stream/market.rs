//! What has arrived, as a market: runs on it work on the rows that count.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use forecasting::{Cadence, Period, Row, Stamp, Ticker};
use jiff::{Timestamp, civil::Date};

use super::{Form, Kept, Streams};
use crate::{
    Error, History, MarketData,
    price_file::{last_of, usual_end},
};

/// The series that have rows.
pub struct StreamMarket {
    streams: Arc<dyn Streams>,
}

const DAY: i64 = 86_400;

impl StreamMarket {
    /// Over this log.
    pub fn new(streams: Arc<dyn Streams>) -> StreamMarket {
        StreamMarket { streams }
    }

    /// The series that there are, and what they end on up to a moment; see [`usual_end`].
    ///
    /// # Errors
    /// The log's; [`Error::Request`] where no series has a period that has ended.
    pub async fn series(
        &self,
        cadence: impl Fn(&Ticker) -> Option<Cadence> + Send,
        now: Timestamp,
    ) -> Result<(Vec<Ticker>, Period), Error> {
        let tickers = self.streams.streamed().await?;
        let mut ends = Vec::with_capacity(tickers.len());
        for ticker in &tickers {
            let stamps: Vec<Stamp> = counting(self.streams.rows(ticker).await?).into_iter().map(|(at, _)| at).collect();
            // One whose rows have no periods is refused by its run.
            ends.extend(last_of(&stamps, cadence(ticker), now).ok().flatten());
        }
        let none =
            || Error::Request { field: "market", reason: "no row has arrived whose period has ended".to_owned() };
        Ok((tickers, usual_end(ends).ok_or_else(none)?))
    }
}

/// The values that count, by period: the last row of each. Where all begin with a day, they are days.
fn counting(rows: Vec<Kept>) -> Vec<(Stamp, f64)> {
    let mut values: BTreeMap<i64, (Form, f64)> = BTreeMap::new();
    for row in rows {
        values.insert(row.at, (row.form, row.value));
    }
    let daily = values.iter().all(|(at, (form, _))| *form != Form::Index && at % DAY == 0);
    let stamp = |at: i64, form: Form| if daily { Form::Date.stamp(at) } else { form.stamp(at) };
    values.into_iter().map(|(at, (form, value))| (stamp(at, form), value)).collect()
}

#[async_trait]
impl MarketData for StreamMarket {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        let values = counting(self.streams.rows(ticker).await?);
        if values.is_empty() {
            let reason = "no row of it has arrived".to_owned();
            return Err(Error::UnknownTicker { ticker: ticker.clone(), reason });
        }
        let mut rows = Vec::with_capacity(values.len());
        for (place, (at, value)) in values.into_iter().enumerate() {
            if at.is_within(from, to) {
                rows.push(Row { adjusted_close: Some(value), close: Some(value), ..Row::new(place + 1, at) });
            }
        }
        Ok(History { rows, read_at: None, ahead: Vec::new(), closes_alone: false })
    }

    fn is_local(&self) -> bool {
        true
    }
}
