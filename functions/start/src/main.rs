//! Lambda function `start`: `POST /runs` starts a run now. It alone writes over HTTP, so it is a function of its own.

use std::sync::Arc;

use async_trait::async_trait;
use aws::{Cloud, Events, start_logging};
use serde_json::json;
use web::{Problem, Started, Starts, Wanted, start_router};

/// Starts runs by an event, which a rule takes to the state machine.
struct ByEvent(Events);

#[async_trait]
impl Starts for ByEvent {
    /// Whose call is not signed does not come this far.
    fn admits(&self, _: Option<&str>) -> bool {
        true
    }

    async fn start(&self, wanted: Wanted) -> Result<Started, Problem> {
        if wanted.run.is_some() {
            return Err(Problem::field("run", "here a run is completed by asking for its tickers and day again"));
        }
        let Wanted { tickers, as_of, reason, train, .. } = wanted;
        let detail =
            json!({ "trigger": "manual", "tickers": tickers, "as_of": as_of, "reason": reason, "train": train });
        tracing::info!(%detail, "a run is requested");
        Ok(Started { request: self.0.run_requested(detail).await?, run: None })
    }
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let events = Cloud::from_environment().await.events()?;
    lambda_http::run(start_router(Arc::new(ByEvent(events)))).await
}
