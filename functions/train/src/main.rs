//! Lambda function `train`: takes a batch of tickers whose prices are there from `evaluate` to `forecast`, one after the other.

use std::time::{Duration, Instant};

use aws::{Cloud, DynamoLedger, Events, S3Archive, serve, told};
use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{Attempts, Error, Run, RunId, work};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    run: RunId,
    tickers: Vec<Ticker>,
    /// Nothing is tried again tonight.
    #[serde(default)]
    last: bool,
}

/// Who is to be tried alone. What failed and may pass is not: `plan` lists it again, after a pause.
#[derive(Serialize)]
struct Answer {
    left: Vec<Ticker>,
}

/// No ticker is begun later than this, so that one that takes its time ends before the function is stopped.
const BEGIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    serve("train", async |Event { run, tickers, last }: Event| {
        let run = ledger.opened(&run).await?;
        if let [only] = tickers.as_slice() {
            // Its failure is the function's: the state machine retries it by its name, or puts it on record.
            return match one(&archive, &ledger, &events, &run, only).await {
                Err(error) if last || !error.is_transient() => Err(error),
                _ => Ok(Answer { left: Vec::new() }),
            };
        }
        let start = Instant::now();
        let mut left = Vec::new();
        for ticker in tickers {
            if start.elapsed() > BEGIN {
                left.push(ticker);
            } else if let Err(error) = one(&archive, &ledger, &events, &run, &ticker).await {
                let alone = last || !error.is_transient();
                tracing::warn!(%ticker, error_type = aws::name(&error), %error, alone, "is tried again");
                if alone {
                    left.push(ticker);
                }
            }
        }
        Ok(Answer { left })
    })
    .await
}

async fn one(
    archive: &S3Archive,
    ledger: &DynamoLedger,
    events: &Events,
    run: &Run,
    ticker: &Ticker,
) -> Result<(), Error> {
    let mut attempts = Attempts::new(ticker.clone(), Timestamp::now);
    let outcome = work(archive, ledger, run, ticker, &mut attempts).await;
    for attempt in attempts.tried() {
        tracing::info!(%ticker, stage = %attempt.stage, seconds = attempt.seconds, setback = attempt.setback, "tried");
    }
    attempts.record(ledger, &run.id).await;
    let promoted = outcome?;
    if promoted.changed() {
        told(events.champion_changed(run, ticker, &promoted).await);
    }
    Ok(())
}
