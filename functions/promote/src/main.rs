//! Lambda function `promote`: the verdict; champion pointer and receipt move together.

use aws::{Cloud, StageEvent, serve_stage, told};
use pipeline::{Promoted, Run, Stage};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (ledger, events) = (cloud.ledger()?, cloud.events()?);
    serve_stage(Stage::Promote, &ledger, async |run: &Run, event: &StageEvent| {
        let promoted = pipeline::promote(&ledger, run, &event.ticker).await?;
        if promoted.changed() {
            told(events.champion_changed(run, &event.ticker, &promoted).await);
        }
        let Promoted { decision, reason, .. } = promoted;
        Ok((decision, reason))
    })
    .await
}
