//! What a run does next: asked at its start and after each pass over its tickers, by the state machine in the cloud and by `Night` on
//! one machine.

use std::time::Duration;

use forecasting::Ticker;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::{FEW, Patience, patience::seconds};
use crate::{Error, Ledger, Run, Stage};

/// One pass over tickers of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// What is to be done.
    pub next: Next,
    /// The pause before it.
    #[serde(rename = "wait_seconds", with = "seconds")]
    pub wait: Duration,
    /// Whether `fetch` is to go on with the prices that are known.
    pub settle: bool,
    /// Whether nothing is tried again after this: what fails now has failed, although it may pass.
    pub last: bool,
    /// Who.
    #[serde(skip)]
    pub tickers: Vec<Ticker>,
    /// As the run began.
    patience: Patience,
    /// Of it.
    left: Patience,
    /// The one that is asked for before all the others.
    canary: Option<Ticker>,
}

/// What is to be done in a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Prices are to be fetched. What has them may be worked on at once.
    Fetch,
    /// What has its prices is to be taken from `evaluate` to `forecast`.
    Work,
    /// Nothing is left to do, or to be hoped for: the run is to be closed.
    Report,
}

impl Pass {
    /// The first pass of a run. What an earlier execution committed is not done again.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn first(ledger: &dyn Ledger, run: &Run, tickers: &[Ticker], patience: Patience) -> Result<Pass, Error> {
        let Missing { prices, forecast } = Missing::of(ledger, run, tickers).await?;
        let begun = Pass::of(Next::Report, Vec::new(), patience, patience, Duration::ZERO);
        Ok(if !prices.is_empty() {
            begun.fetch(prices, patience, Duration::ZERO, true)
        } else if !forecast.is_empty() {
            begun.work(forecast, patience.settled(), Duration::ZERO)
        } else {
            begun
        })
    }

    /// The pass after this one. `given_up` knows the tickers that failed for good.
    ///
    /// While some lack their prices and may still get them, they alone are asked for again. Then what has its prices is worked on, and
    /// what may pass is tried again for as long as there is patience.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn after(
        &self,
        ledger: &dyn Ledger,
        run: &Run,
        tickers: &[Ticker],
        given_up: impl Fn(&Ticker) -> bool,
    ) -> Result<Pass, Error> {
        let hopeful: Vec<Ticker> = tickers.iter().filter(|ticker| !given_up(ticker)).cloned().collect();
        let Missing { prices, forecast } = Missing::of(ledger, run, &hopeful).await?;
        let again = self.left.once_more();
        if let Some(canary) = self.canary.as_ref().filter(|_| !prices.is_empty()) {
            // One that failed for good says nothing of the others.
            return Ok(match again.filter(|_| prices.contains(canary)) {
                Some((left, pause)) => self.fetch(prices, left, pause, true),
                None => self.fetch(prices, self.left, Duration::ZERO, false),
            });
        }
        Ok(match (self.next, again) {
            (Next::Fetch, Some((left, pause))) if !prices.is_empty() => self.fetch(prices, left, pause, false),
            (Next::Fetch, _) if !forecast.is_empty() => self.work(forecast, self.patience.settled(), Duration::ZERO),
            (Next::Work, Some((left, pause))) if !forecast.is_empty() => self.work(forecast, left, pause),
            _ => Pass::of(Next::Report, Vec::new(), self.patience, self.left, Duration::ZERO),
        })
    }

    fn fetch(&self, mut tickers: Vec<Ticker>, left: Patience, wait: Duration, begin_with_one: bool) -> Pass {
        let mut canary = None;
        // A market that has not published yet is not asked ten thousand times: one is asked for alone until it has its bar, each time
        // another.
        if begin_with_one && tickers.len() > FEW && !left.settles() {
            let turn = left.asks as usize % tickers.len();
            tickers = vec![tickers.swap_remove(turn)];
            canary = tickers.first().cloned();
        }
        Pass { canary, ..Pass::of(Next::Fetch, tickers, self.patience, left, wait) }
    }

    fn work(&self, tickers: Vec<Ticker>, left: Patience, wait: Duration) -> Pass {
        Pass::of(Next::Work, tickers, self.patience, left, wait)
    }

    fn of(next: Next, tickers: Vec<Ticker>, patience: Patience, left: Patience, wait: Duration) -> Pass {
        Pass { next, wait, settle: left.settles(), last: left.is_at_its_end(), tickers, patience, left, canary: None }
    }
}

/// What tickers of a run have no result of, in their order.
struct Missing {
    /// Those without prices.
    prices: Vec<Ticker>,
    /// Those with prices and without a forecast.
    forecast: Vec<Ticker>,
}

/// Reads at the same time: hundreds of tickers are asked about in a second.
pub(super) const READS: usize = 32;

impl Missing {
    async fn of(ledger: &dyn Ledger, run: &Run, tickers: &[Ticker]) -> Result<Missing, Error> {
        let mut missing = Missing { prices: Vec::new(), forecast: Vec::new() };
        for some in tickers.chunks(READS) {
            let asked: Vec<_> = some.iter().map(|ticker| stands_at(ledger, run, ticker)).collect();
            for (ticker, stage) in some.iter().zip(try_join_all(asked).await?) {
                match stage {
                    None => missing.prices.push(ticker.clone()),
                    Some(Stage::Forecast) => {}
                    Some(_) => missing.forecast.push(ticker.clone()),
                }
            }
        }
        Ok(missing)
    }
}

/// Whether a ticker has its forecast, or its prices at least.
async fn stands_at(ledger: &dyn Ledger, run: &Run, ticker: &Ticker) -> Result<Option<Stage>, Error> {
    Ok(ledger.results(&run.id, ticker).await?.iter().map(|record| record.key.stage).max())
}
