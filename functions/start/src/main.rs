//! Lambda function `start`: `POST /runs` starts a run now. It alone writes over HTTP, so it is a function of its own.

use aws::{Cloud, Events, start_logging};
use forecasting::Ticker;
use jiff::civil::Date;
use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{Method, StatusCode, header},
    service_fn,
};
use serde::Deserialize;
use serde_json::json;
use web::Problem;

/// The body; everything in it may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    /// None for the watchlist.
    tickers: Vec<Ticker>,
    /// The last session, where it is left out.
    #[serde(alias = "as-of")]
    as_of: Option<Date>,
    /// For whoever reads the run's history.
    reason: String,
}

/// As many tickers as one event has room for.
const MOST_TICKERS: usize = 5_000;

/// The longest reason.
const LONGEST_REASON: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let events = Cloud::from_environment().await.events()?;
    let events = &events;
    lambda_http::run(service_fn(async move |request: Request| {
        let answer = start(events, &request).await;
        let (status, kind, body) = match &answer {
            Ok(body) => (StatusCode::ACCEPTED.as_u16(), "application/json", body.clone()),
            Err(problem) => (problem.status, "application/problem+json", problem.to_json()),
        };
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
        response.body(Body::from(body)).map_err(lambda_runtime::Error::from)
    }))
    .await
}

async fn start(events: &Events, request: &Request) -> Result<String, Problem> {
    if request.raw_http_path() != "/runs" {
        return Err(Problem::new(StatusCode::NOT_FOUND, "runs are started by POST /runs"));
    }
    if request.method() != Method::POST {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "runs are started by POST /runs"));
    }
    let body: &[u8] = request.body();
    let wanted = if body.is_empty() { Ok(Wanted::default()) } else { serde_json::from_slice(body) };
    let Wanted { tickers, as_of, reason } = wanted.map_err(|error| Problem::field("body", error))?;
    if tickers.len() > MOST_TICKERS {
        return Err(Problem::field("tickers", format_args!("more than {MOST_TICKERS}")));
    }
    if reason.len() > LONGEST_REASON {
        return Err(Problem::field("reason", format_args!("longer than {LONGEST_REASON} characters")));
    }
    let detail = json!({ "trigger": "manual", "tickers": tickers, "as_of": as_of, "reason": reason });
    let id = events.run_requested(&detail).await?;
    tracing::info!(request = id, %detail, "a run is requested");
    Ok(json!({ "request": id, "runs": "/runs" }).to_string())
}
