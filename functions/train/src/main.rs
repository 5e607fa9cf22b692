//! Lambda function `train`: takes a batch of tickers whose prices are there from `evaluate` to `forecast`.

use std::time::Duration;

use aws::{Batch, Cloud, published, serve};
use pipeline::work;

/// No ticker is begun later than this, so that one that takes its time ends before the function is stopped.
const BEGIN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger, events) = (cloud.archive()?, cloud.ledger()?, cloud.events()?);
    serve("train", async |batch: Batch| {
        let programs = cloud.model_functions();
        batch
            .each(&ledger, BEGIN, async |run, ticker, attempts| {
                let promoted = work(&archive, &ledger, &programs, run, ticker, attempts).await?;
                if promoted.changed() {
                    published(events.champion_changed(run, ticker, &promoted).await);
                }
                Ok(())
            })
            .await
    })
    .await
}
