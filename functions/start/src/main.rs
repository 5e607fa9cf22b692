//! Lambda function `start`: `POST /runs` starts a run now. It alone writes over HTTP, so it is a function of its own.

use std::sync::Arc;

use aws::{Cloud, Events, start_logging};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use forecasting::Ticker;
use jiff::civil::Date;
use pipeline::settings::MOST_TICKERS;
use serde::Deserialize;
use serde_json::json;
use web::Problem;

/// The body; everything in it may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    /// None for the watchlist.
    tickers: Vec<String>,
    /// The last session, where it is left out.
    as_of: Option<String>,
    /// For whoever reads the run's history.
    reason: String,
}

/// The longest reason.
const LONGEST_REASON: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let events = Arc::new(Cloud::from_environment().await.events()?);
    let router = Router::new()
        .route("/runs", post(start))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "runs are started by POST /runs"))
        .method_not_allowed_fallback(not_allowed)
        .with_state(events);
    lambda_http::run(router).await
}

async fn not_allowed() -> Response {
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "runs are started by POST /runs").into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn start(State(events): State<Arc<Events>>, body: Bytes) -> Result<Response, Problem> {
    let wanted = if body.is_empty() { Ok(Wanted::default()) } else { serde_json::from_slice(&body) };
    let Wanted { tickers, as_of, reason } = wanted.map_err(|error| Problem::field("body", error))?;
    if tickers.len() > MOST_TICKERS {
        return Err(Problem::field("tickers", format_args!("more than {MOST_TICKERS}")));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(Problem::field("reason", format_args!("longer than {LONGEST_REASON} characters")));
    }
    let tickers: Result<Vec<Ticker>, _> = tickers.iter().map(|ticker| ticker.parse()).collect();
    let tickers = tickers.map_err(|error| Problem::field("tickers", error))?;
    let as_of: Result<Option<Date>, _> = as_of.as_deref().map(str::parse).transpose();
    let as_of = as_of.map_err(|_| Problem::field("as_of", "it is no date such as 2026-11-20"))?;
    let detail = json!({ "trigger": "manual", "tickers": tickers, "as_of": as_of, "reason": reason });
    tracing::info!(%detail, "a run is requested");
    let id = events.run_requested(detail).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "request": id }))).into_response())
}
