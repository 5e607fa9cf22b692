use std::collections::BTreeMap;

use async_trait::async_trait;
use forecasting::{Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{Error, History, MarketData};
use tokio::sync::Mutex;

/// A market that is asked for each history once: a backfill of many sessions costs one request a ticker.
pub struct CachedMarket<M> {
    market: M,
    start: Date,
    end: Stamp,
    /// What the market said; `Err` holds why it does not know the ticker.
    histories: Mutex<BTreeMap<Ticker, Result<History, String>>>,
}

impl<M: MarketData> CachedMarket<M> {
    /// Remembers histories of `start..=end`.
    pub fn new(market: M, start: Date, end: Stamp) -> Self {
        CachedMarket { market, start, end, histories: Mutex::default() }
    }
}

#[async_trait]
impl<M: MarketData> MarketData for CachedMarket<M> {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        if from < self.start || to > self.end {
            return self.market.history(ticker, from, to).await;
        }
        let known = self.histories.lock().await.get(ticker).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = match self.market.history(ticker, self.start, self.end).await {
                    Ok(history) => Ok(history),
                    Err(Error::UnknownTicker { reason, .. }) => Err(reason),
                    Err(other) => return Err(other),
                };
                self.histories.lock().await.insert(ticker.clone(), answer.clone());
                answer
            }
        };
        let history = answer.map_err(|reason| Error::UnknownTicker { ticker: ticker.clone(), reason })?;
        Ok(history.within(from, to))
    }

    /// Reading it again costs nothing, and brings nothing new.
    fn is_local(&self) -> bool {
        true
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        self.market.rejected(ticker).await
    }
}
