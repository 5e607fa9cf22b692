//! How a function answers: an event in, its answer or a named error out.

use std::{pin::Pin, time::Instant};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use pipeline::Error;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Instrument;

/// The name of every error that may pass when the same call is made again. The state machine retries this name and AWS's
/// own transient ones, and nothing else.
pub const TRANSIENT: &str = "Transient";

/// Answers events of Step Functions for as long as Lambda sends them; logs one line of JSON for each, with its run, ticker and
/// stage.
pub async fn serve<E: DeserializeOwned, A: Serialize>(
    stage: &'static str,
    handler: impl AsyncFn(E) -> Result<A, Error>,
) -> Result<(), lambda_runtime::Error> {
    start_logging();
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| answer(stage, handler, event.payload))).await
}

async fn answer<E: DeserializeOwned, A: Serialize>(
    stage: &'static str,
    handler: &impl AsyncFn(E) -> Result<A, Error>,
    event: Value,
) -> Result<Value, Diagnostic> {
    let named = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let span = tracing::info_span!("stage", stage, run = named("run"), ticker = named("ticker"));
    async {
        let start = Instant::now();
        let outcome = match serde_json::from_value(event) {
            Ok(event) => boxed(handler(event)).await,
            Err(error) => Err(Error::Request { field: "event", reason: error.to_string() }),
        };
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(answer) => {
                let answer = serde_json::to_value(answer).expect("answers are plain data");
                tracing::info!(seconds, %answer, "done");
                Ok(answer)
            }
            Err(error) => {
                tracing::error!(seconds, error_type = name(&error), %error, "failed");
                Err(Diagnostic { error_type: name(&error).to_owned(), error_message: error.to_string() })
            }
        }
    }
    .instrument(span)
    .await
}

/// The futures of stages and SDK are nested deeper than the compiler looks.
fn boxed<'a, T>(future: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(future)
}

/// JSON on standard output, which Lambda puts into the function's log group with the time.
pub fn start_logging() {
    let level = std::env::var("CLOSING_BELL_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .init();
}

/// The name under which the state machine knows an error.
pub fn name(error: &Error) -> &'static str {
    if error.is_transient() {
        return TRANSIENT;
    }
    match error {
        Error::Forecasting { .. } | Error::RefusedData { .. } => "RefusedData",
        Error::UnknownTicker { .. } => "UnknownTicker",
        Error::NoPrices { .. } => "NoPrices",
        Error::Stale { .. } => "Stale",
        Error::Unauthorized { .. } => "Unauthorized",
        Error::QuotaExceeded { .. } => "QuotaExceeded",
        Error::Missing { .. } => "Missing",
        Error::Damaged { .. } => "Damaged",
        Error::Conflict { .. } => "Conflict",
        Error::NoForecast { .. } => "NoForecast",
        Error::Request { .. } => "Request",
        // Market, pointer and stores: what of them is not transient.
        _ => "Store",
    }
}
