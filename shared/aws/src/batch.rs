//! A few tickers of a pass, as the state machine hands them to `fetch` and to `train`: one after the other, each on its own.

use std::time::{Duration, Instant};

use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{Attempts, Error, Ledger, Run, RunId};
use serde::{Deserialize, Serialize};

use crate::{DynamoLedger, name};

/// What the state machine sends.
#[derive(Debug, Deserialize)]
pub struct Batch {
    run: RunId,
    /// Its name.
    execution: String,
    tickers: Vec<Ticker>,
    /// Go on with the prices that are known, although the session's own are missing.
    #[serde(default)]
    pub settle: bool,
    /// Nothing is tried again tonight: what fails now has failed, although it may pass.
    #[serde(default)]
    last: bool,
}

/// Who was not begun, because others took too long: each of them is tried alone.
#[derive(Debug, Serialize)]
pub struct Answer {
    left: Vec<Ticker>,
}

impl Batch {
    /// Works on each ticker that can be begun before this much time has passed.
    ///
    /// A failure is the ticker's alone: one that may pass is left to `plan`, which lists whoever has no result again, after a pause; any
    /// other is put on record. A function that dies puts nothing on record: the state machine does.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn each(
        self,
        ledger: &DynamoLedger,
        begin: Duration,
        work: impl AsyncFn(&Run, &Ticker, &mut Attempts) -> Result<(), Error>,
    ) -> Result<Answer, Error> {
        let start = Instant::now();
        let run = ledger.opened(&self.run).await?;
        let (mut left, mut tried) = (Vec::new(), Vec::new());
        for ticker in self.tickers {
            if start.elapsed() > begin {
                left.push(ticker);
                continue;
            }
            let mut attempts = Attempts::new(ticker.clone(), Timestamp::now);
            let outcome = work(&run, &ticker, &mut attempts).await;
            for attempt in attempts.tried() {
                let (stage, seconds, setback) = (attempt.stage.as_str(), attempt.seconds, &attempt.setback);
                tracing::info!(%ticker, stage, seconds, setback, "tried");
            }
            tried.extend_from_slice(attempts.tried());
            if let Err(error) = outcome {
                let again = error.is_transient() && !self.last;
                tracing::warn!(%ticker, error_type = name(&error), %error, again, "failed");
                if !again {
                    ledger.give_up(&run.id, &ticker, &self.execution, &error).await?;
                }
            }
        }
        if let Err(error) = ledger.record(&run.id, &tried).await {
            tracing::warn!(%error, "how the stages went is not recorded");
        }
        Ok(Answer { left })
    }
}
