//! Lambda function `train`: brings the track record up to tonight, and stores the versions that were trained for it.

use aws::{Cloud, StageEvent, serve_stage};
use pipeline::{Run, Stage};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    serve_stage(Stage::Train, &ledger, async |run: &Run, event: &StageEvent| {
        let trained = pipeline::train(&archive, &ledger, run, &event.ticker).await?;
        Ok(trained.versions.into_iter().map(|trained| trained.version).collect::<Vec<_>>())
    })
    .await
}
