//! Lambda function `predict`: forecasts, models, receipts, scores, runs and pages over HTTP. It reads, and changes nothing.

use std::sync::Arc;

use aws::{Cloud, start_logging};
use web::Site;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (Arc::new(cloud.archive()?), Arc::new(cloud.ledger()?));
    lambda_http::run(Site::new(archive, ledger.clone()).streaming(ledger).router()).await
}
