//! Lambda function `evaluate`: scores the standing forecasts on the bars that came, and decides whether the contenders are trained.

use aws::{Cloud, StageEvent, serve_stage};
use pipeline::{Run, Stage};
use serde::Serialize;

/// For whoever reads the execution's history.
#[derive(Serialize)]
struct Answer {
    train: bool,
    reason: String,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    serve_stage(Stage::Evaluate, &ledger, async |run: &Run, event: &StageEvent| {
        let training = pipeline::evaluate(&archive, &ledger, run, &event.ticker).await?.training;
        Ok(Answer { train: training.due, reason: training.reason })
    })
    .await
}
