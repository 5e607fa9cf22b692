//! The order of a ticker's night, in one place for every machine that works through it.

use std::time::Instant;

use forecasting::Ticker;
use jiff::Timestamp;

use super::{Place, Tonight, evaluate, forecast, promote, train};
use crate::{Archive, Attempt, Error, Ledger, Promoted, Run, RunId, Stage};

/// Takes a ticker whose prices are there from `evaluate` to `forecast`. A stage that is committed is not done again, so this may
/// be called as often as it takes; what a call did is added to `attempts`.
///
/// # Errors
/// Those of the stage that did not come to a result; the ones before it stand.
pub async fn work(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    ticker: &Ticker,
    attempts: &mut Attempts,
) -> Result<Promoted, Error> {
    let place = Place::new(run, ticker)?;
    if ledger.committed(&place.key(Stage::Forecast)).await?.is_some() {
        return place.required(ledger, Stage::Promote).await;
    }
    let tonight = Tonight::read(archive, ledger, place).await?;
    attempts.at(Stage::Evaluate, evaluate(archive, ledger, &tonight)).await?;
    attempts.at(Stage::Train, train(archive, ledger, &tonight)).await?;
    let promoted = attempts.at(Stage::Promote, promote(ledger, &tonight)).await?;
    attempts.at(Stage::Forecast, forecast(archive, ledger, &tonight)).await?;
    Ok(promoted)
}

/// How the stages of one ticker went, for whoever asks what a night did.
#[derive(Debug)]
pub struct Attempts {
    ticker: Ticker,
    clock: fn() -> Timestamp,
    tried: Vec<Attempt>,
}

impl Attempts {
    /// None so far. The clock says when each ended, which decides nothing.
    pub fn new(ticker: Ticker, clock: fn() -> Timestamp) -> Attempts {
        Attempts { ticker, clock, tried: Vec::new() }
    }

    /// Waits for a stage, and notes how long it took and what kept it from a result.
    ///
    /// # Errors
    /// The stage's own.
    pub async fn at<T>(&mut self, stage: Stage, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let start = Instant::now();
        let outcome = work.await;
        self.tried.push(Attempt {
            ticker: self.ticker.clone(),
            stage,
            ended_at: (self.clock)().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            seconds: start.elapsed().as_secs_f64(),
            setback: outcome.as_ref().err().map(ToString::to_string),
        });
        outcome
    }

    /// The last one came to no result.
    pub fn set_back(&mut self, why: &str) {
        if let Some(last) = self.tried.last_mut() {
            last.setback = Some(why.to_owned());
        }
    }

    /// All of them, in their order.
    pub fn tried(&self) -> &[Attempt] {
        &self.tried
    }

    /// Time spent on stages: waiting for a place or a bar is not counted.
    pub fn seconds(&self) -> f64 {
        self.tried.iter().map(|attempt| attempt.seconds).sum()
    }

    /// Puts them on record. A night does not fail for it.
    pub async fn record(&self, ledger: &dyn Ledger, run: &RunId) {
        if self.tried.is_empty() {
            return;
        }
        if let Err(error) = ledger.record(run, &self.tried).await {
            tracing::warn!(%error, ticker = %self.ticker, "how the stages went is not recorded");
        }
    }
}
