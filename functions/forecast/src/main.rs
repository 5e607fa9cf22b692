//! Lambda function `forecast`: whoever is champion writes the forecast table for this origin.

use aws::{Cloud, StageEvent, serve_stage};
use pipeline::{Run, Stage};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    serve_stage(Stage::Forecast, &ledger, async |run: &Run, event: &StageEvent| {
        let forecasted = pipeline::forecast(&archive, &ledger, run, &event.ticker).await?;
        Ok(forecasted.table)
    })
    .await
}
