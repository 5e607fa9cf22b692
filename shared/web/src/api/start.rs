//! `POST /runs`: starting a run now.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use forecasting::Ticker;
use jiff::civil::Date;
use pipeline::RunId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoResponses, ToSchema};

use crate::{
    Problem,
    asked::{Named, run_id},
    format::json,
    problem::Refusals,
};

/// The most tickers that one request names, as the interface says.
const MAX_NAMED: usize = 1_000;

/// What is asked for; everything in it may be left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRequest {
    /// None for the watchlist.
    pub tickers: Vec<Ticker>,
    /// The last session, where it is left out.
    pub as_of: Option<Date>,
    /// For whoever reads the history.
    pub reason: String,
    /// Train every contender anew, whatever the policy says.
    pub train: bool,
    /// A run of which to do what it has not done: its own tickers, day and configuration.
    pub run: Option<RunId>,
}

/// That it is under way.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Started {
    /// By which the request is known in logs and histories.
    pub request: String,
    /// The run, where it is known already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// Who starts runs.
#[async_trait]
pub trait Starts: Send + Sync {
    /// Whether whoever asks may: the bearer token of the request, where it has one.
    fn admits(&self, token: Option<&str>) -> bool;

    /// Starts a run, and does not wait for its end.
    async fn start(&self, wanted: RunRequest) -> Result<Started, Problem>;
}

/// The body as it is sent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// None for the watchlist.
    #[schema(value_type = Vec<Ticker>, max_items = 1000)]
    tickers: Vec<String>,
    /// The last session that it may know; left out, the last that has closed.
    #[schema(value_type = Option<String>, format = Date, pattern = "^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]
    as_of: Option<String>,
    /// For whoever reads the history.
    #[schema(max_length = 1000)]
    reason: String,
    /// Train every contender anew, whatever the policy says.
    train: bool,
}

/// Nobody sends more than a list of tickers.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// The longest reason.
pub(crate) const MAX_REASON: usize = 1_000;

/// `POST /runs` alone, for a function of its own.
pub fn start_router(starts: Arc<dyn Starts>) -> Router {
    route(starts)
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "runs are started by POST /runs"))
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

pub(crate) fn route(starts: Arc<dyn Starts>) -> Router {
    Router::new().route("/runs", post(start)).route("/runs/{run}", post(complete)).with_state(starts)
}

async fn not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "runs are started by POST /runs")
}

/// What becomes of a request to start a run.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described here, answered by the handlers")]
enum Outcomes {
    /// It is under way.
    #[response(status = 202)]
    UnderWay(Started),
    /// For a page's form: it is under way, and this is where.
    #[response(status = 303)]
    Form,
}

/// Starts a run now.
///
/// The answer does not wait for its end: `/runs/{run}` tells. A run that has been done before is not done again; of one that
/// partly failed, what failed is tried again. A page's form sends the token as a field, and is sent on to the run.
#[utoipa::path(
    post,
    path = "/runs",
    tag = "runs",
    security(("token" = [])),
    request_body(content = Option<Body>, description = "All of it is optional."),
    responses(Outcomes, Refusals),
)]
pub(crate) async fn start(
    State(starts): State<Arc<dyn Starts>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    begin(&*starts, &headers, &body, None).await
}

/// Completes a run: what failed in it is tried again.
///
/// With its own tickers, day and configuration. Of the body, the reason alone is read.
#[utoipa::path(
    post,
    path = "/runs/{run}",
    tag = "runs",
    security(("token" = [])),
    params(("run" = RunId, Path, description = "Its id.")),
    responses(Outcomes, Refusals),
)]
pub(crate) async fn complete(
    State(starts): State<Arc<dyn Starts>>,
    Named(run): Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    begin(&*starts, &headers, &body, Some(run)).await
}

async fn begin(
    starts: &dyn Starts,
    headers: &HeaderMap,
    body: &[u8],
    run: Option<String>,
) -> Result<Response, Problem> {
    let form = is_form(headers, body);
    let (field, wanted) = if form { from_form(body) } else { (None, from_json(body)) };
    let token = field.or_else(|| bearer(headers));
    // Who may not start runs need not know what is wrong with the request.
    if !starts.admits(token.as_deref()) {
        return Err(unauthorized(token.as_deref()));
    }
    let run = run.as_deref().map(run_id).transpose()?;
    let started = starts.start(RunRequest { run, ..checked(wanted?)? }).await?;
    if form {
        let place = started.run.map_or_else(|| "/runs".to_owned(), |run| format!("/runs/{run}"));
        return Ok(Redirect::to(&place).into_response());
    }
    let mut response = json(&started);
    *response.status_mut() = StatusCode::ACCEPTED;
    if let Some(place) = started.run.and_then(|run| HeaderValue::from_str(&format!("/runs/{run}")).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// The answer says what is missing.
pub(crate) fn unauthorized(token: Option<&str>) -> Problem {
    let detail = match token {
        None => "no token was sent: send `Authorization: Bearer` with the one that `closing-bell serve` printed",
        Some(_) => "this is not the token",
    };
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}

/// A page's form. What begins as JSON is JSON: curl calls every body a form unless a type is given.
pub(crate) fn is_form(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
    kind.starts_with("application/x-www-form-urlencoded") && !matches!(begins, None | Some(b'{' | b'['))
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// A body of JSON, which may be left out: by its fields' names alone, since serde would read a list in their order, too.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = match body {
        [] => None,
        body => serde_json::from_slice(body).map_err(|error| Problem::field("body", error))?,
    };
    serde_json::from_value(fields.unwrap_or_default().into()).map_err(|error| Problem::field("body", error))
}

/// A form's fields; tickers are parted by spaces or commas, and what is empty is left out.
fn from_form(body: &[u8]) -> (Option<String>, Result<Body, Problem>) {
    let mut read = Body::default();
    let (mut token, mut refused) = (None, None);
    for (name, value) in form_urlencoded::parse(body) {
        let value = value.trim();
        match &*name {
            "token" => token = Some(value.to_owned()),
            "tickers" => {
                let names = value.split([' ', ',', '\n', '\r', '\t']).filter(|name| !name.is_empty());
                read.tickers.extend(names.map(str::to_owned));
            }
            "as_of" => read.as_of = Some(value.to_owned()).filter(|value| !value.is_empty()),
            "reason" => value.clone_into(&mut read.reason),
            "train" => read.train = matches!(value, "on" | "true"),
            other => refused = Some(Problem::field(other, "there is no such field")),
        }
    }
    (token, refused.map_or(Ok(read), Err))
}

fn checked(body: Body) -> Result<RunRequest, Problem> {
    let Body { tickers, as_of, reason, train } = body;
    if tickers.len() > MAX_NAMED {
        return Err(Problem::field(
            "tickers",
            format_args!("more than {MAX_NAMED}: leave them out for the watchlist's"),
        ));
    }
    if reason.chars().count() > MAX_REASON {
        return Err(Problem::field("reason", format_args!("longer than {MAX_REASON} characters")));
    }
    let tickers: Result<Vec<Ticker>, _> = tickers.iter().map(|ticker| ticker.parse()).collect();
    let tickers = tickers.map_err(|error| Problem::field("tickers", error))?;
    // The exchange calendar begins with 2000.
    let day = |text: &str| if text.len() == 10 && text.starts_with("20") { text.parse().ok() } else { None };
    let as_of = match as_of.as_deref() {
        None => None,
        Some(text) => Some(day(text).ok_or_else(|| Problem::field("as_of", "it is no date such as 2026-11-20"))?),
    };
    Ok(RunRequest { tickers, as_of, reason, train, run: None })
}
