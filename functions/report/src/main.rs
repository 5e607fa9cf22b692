//! Lambda function `report`: closes the run from what is committed, and tells it.

use aws::{Cloud, serve};
use pipeline::{Error, Key, RunId, RunStatus};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    run: RunId,
}

/// What the state machine branches on.
#[derive(Serialize)]
struct Answer {
    status: RunStatus,
    report: Vec<Key>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    serve("report", async |event: Event| {
        let run = ledger.opened(&event.run).await?;
        let failures = ledger.failures(&run.id).await?;
        let reasons = failures.into_iter().map(|(ticker, failure)| (ticker, failure.reason)).collect();
        let seconds = ledger.seconds(&run.id).await?;
        let closure = pipeline::report(&archive, &ledger, &run, &reasons, &seconds).await?;
        events.run_closed(&run, &closure).await?;
        Ok::<_, Error>(Answer { status: closure.status, report: closure.report })
    })
    .await
}
