use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use forecasting::Ticker;
use jiff::civil::Date;
use pipeline::{Archive, Ledger, RunEntry, RunId, RunStatus, TickerStatus, Trigger};
use serde::Serialize;

use crate::{Problem, query::ForecastQuery};

#[derive(Clone)]
struct Stores {
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
}

/// More runs than this are for a program to ask the ledger for.
const RUNS_LISTED: usize = 100;

/// The longest id of a run: a date, a hyphen, eight digits.
const LONGEST_RUN: usize = 19;

/// Answers `GET` for forecasts, models, receipts and runs. A problem is answered as RFC 9457 describes it.
pub fn router(archive: Arc<dyn Archive>, ledger: Arc<dyn Ledger>) -> Router {
    Router::new()
        .route("/forecast/{ticker}", get(forecast))
        .route("/models/{ticker}", get(models))
        .route("/receipts/{ticker}", get(receipts))
        .route("/runs", get(runs))
        .route("/runs/{run}", get(run))
        .route("/healthz", get(async || "ok"))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Stores { archive, ledger })
}

async fn unknown(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn not_allowed(method: Method) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not answered here, GET is"));
    let mut response = problem.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

async fn forecast(
    State(stores): State<Stores>,
    Path(ticker): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let ticker = named(&ticker)?;
    let query = ForecastQuery::parse(&query.unwrap_or_default())?;
    let prediction =
        pipeline::predict(&*stores.archive, &*stores.ledger, &ticker, query.horizon, &query.levels).await?;
    Ok(Json(prediction).into_response())
}

async fn models(State(stores): State<Stores>, Path(ticker): Path<String>) -> Result<Response, Problem> {
    let models = pipeline::models(&*stores.archive, &*stores.ledger, &named(&ticker)?).await?;
    Ok(Json(models).into_response())
}

async fn receipts(State(stores): State<Stores>, Path(ticker): Path<String>) -> Result<Response, Problem> {
    let ticker = named(&ticker)?;
    let receipts = stores.ledger.receipts(&ticker).await?;
    if receipts.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker }.into());
    }
    Ok(Json(receipts).into_response())
}

async fn runs(State(stores): State<Stores>) -> Result<Response, Problem> {
    let entries = stores.ledger.runs(RUNS_LISTED).await?;
    Ok(Json(entries.iter().map(RunLine::of).collect::<Vec<_>>()).into_response())
}

/// A run in a list; `/runs/{run}` has its tickers. A function's answer must not outgrow 6 MB.
#[derive(Serialize)]
struct RunLine<'a> {
    run: &'a RunId,
    as_of: Date,
    trigger: Trigger,
    /// `None` while it is open.
    status: Option<RunStatus>,
    done: usize,
    failed: usize,
    skipped: usize,
    opened_at: &'a str,
    closed_at: Option<&'a str>,
}

impl<'a> RunLine<'a> {
    fn of(entry: &'a RunEntry) -> Self {
        let count = |status| entry.closure.as_ref().map_or(0, |closure| closure.count(status));
        RunLine {
            run: &entry.run.id,
            as_of: entry.run.as_of,
            trigger: entry.run.trigger,
            status: entry.closure.as_ref().map(|closure| closure.status),
            done: count(TickerStatus::Done),
            failed: count(TickerStatus::Failed),
            skipped: count(TickerStatus::Skipped),
            opened_at: &entry.opened_at,
            closed_at: entry.closed_at.as_deref(),
        }
    }
}

async fn run(State(stores): State<Stores>, Path(run): Path<String>) -> Result<Response, Problem> {
    let nobody = || Problem::new(StatusCode::NOT_FOUND, format!("there is no run {run}"));
    if run.len() > LONGEST_RUN {
        return Err(Problem::field("run", "an id is a date, a hyphen and eight digits"));
    }
    let entry = stores.ledger.run(&RunId::from_text(&run)).await?.ok_or_else(nobody)?;
    Ok(Json(entry).into_response())
}

fn named(ticker: &str) -> Result<Ticker, Problem> {
    ticker.parse().map_err(|error| Problem::field("ticker", error))
}
