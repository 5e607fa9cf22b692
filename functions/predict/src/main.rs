//! Lambda function `predict`: forecasts, models, receipts and runs over HTTP. It reads, and changes nothing.

use std::sync::Arc;

use aws::{Cloud, start_logging};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let cloud = Cloud::from_environment().await;
    let (archive, ledger) = (cloud.archive()?, cloud.ledger()?);
    lambda_http::run(web::router(Arc::new(archive), Arc::new(ledger))).await
}
