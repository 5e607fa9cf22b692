//! Lambda function `report`: closes the run from what is committed, and tells it.

use std::collections::BTreeMap;

use aws::{Cloud, S3Archive, serve, told};
use forecasting::Ticker;
use messages::{Message, Messenger};
use pipeline::{Closure, Error, Key, Run, RunId, RunStatus, Settings};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    run: RunId,
    /// Why the order itself broke off, where it did.
    #[serde(default)]
    error: Option<Broken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Broken {
    error: String,
    #[serde(default)]
    cause: String,
}

/// What the state machine branches on.
#[derive(Serialize)]
struct Answer {
    status: RunStatus,
    report: Vec<Key>,
}

/// Tells the chat, where one is configured. What goes wrong with that fails no run.
async fn tell(archive: &S3Archive, run: &Run, closure: &Closure) -> Result<(), String> {
    let in_words = |error: Error| error.to_string();
    let settings = Settings::stored(archive).await.map_err(in_words)?;
    if let Some(messenger) = Messenger::of(&settings.webhook, None)? {
        messenger.tell(archive, &Message::closed(archive, run, closure).await.map_err(in_words)?).await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    serve("report", async |event: Event| {
        let run = ledger.opened(&event.run).await?;
        let failures = ledger.failures(&run.id).await?;
        let mut reasons: BTreeMap<Ticker, String> =
            failures.into_iter().map(|(ticker, failure)| (ticker, failure.reason)).collect();
        if let Some(Broken { error, cause }) = &event.error {
            for ticker in run.tickers(&archive).await? {
                reasons.entry(ticker).or_insert_with(|| format!("the night broke off: {error}: {cause}"));
            }
        }
        let closure = pipeline::report(&archive, &ledger, &run, &reasons).await?;
        told(events.run_closed(&run, &closure).await);
        if let Err(reason) = tell(&archive, &run, &closure).await {
            tracing::warn!(%reason, "the run's end is not told");
        }
        Ok::<_, Error>(Answer { status: closure.status, report: closure.report })
    })
    .await
}
