//! What a person decides about a ticker: putting an earlier version into service again, releasing it, and having the newest verdict checked.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use forecasting::Ticker;
use pipeline::{Promoted, VerifiedReceipt, VersionId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::start::{MAX_REASON, bearer, from_json, is_form, unauthorized};
use crate::{
    Problem,
    asked::{self, Named},
    format::json,
    pages,
    problem::Refusals,
};

/// Who carries out what a person decides.
#[async_trait]
pub trait Decides: Send + Sync {
    /// Whether whoever asks may: the bearer token of the request, where it has one.
    fn admits(&self, token: Option<&str>) -> bool;

    /// Puts a version that was in service before into service again, and pins it there.
    async fn rollback(&self, ticker: &Ticker, version: &VersionId, reason: &str) -> Result<Promoted, Problem>;

    /// Releases what a rollback pinned.
    async fn release(&self, ticker: &Ticker, reason: &str) -> Result<Promoted, Problem>;

    /// Reaches the newest verdict again from what is stored.
    async fn verify(&self, ticker: &Ticker) -> Result<VerifiedReceipt, Problem>;
}

pub(crate) fn route(decides: Arc<dyn Decides>) -> Router {
    Router::new()
        .route("/tickers/{ticker}/rollback", post(rollback))
        .route("/tickers/{ticker}/release", post(release))
        .route("/tickers/{ticker}/verify", post(verify))
        .with_state(decides)
}

/// Which version, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described here, read as Body")]
struct Rollback {
    /// One that was in service before.
    version: VersionId,
    /// For whoever reads the history.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described here, read as Body")]
struct Reason {
    /// For whoever reads the history.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// The body as it is sent.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    version: Option<String>,
    reason: Option<String>,
    #[serde(skip)]
    token: Option<String>,
}

/// Puts an earlier version into service again, and pins it there.
///
/// A run of its own, with a receipt, a forecast and a report; nothing is downloaded or trained. The reason is kept with the run.
#[utoipa::path(
    post,
    path = "/tickers/{ticker}/rollback",
    tag = "decisions",
    security(("token" = [])),
    params(("ticker" = Ticker, Path, description = "The series.")),
    request_body(content = Rollback),
    responses(
        (status = 200, description = "Who is in service now, and why.", body = Object, content_type = "application/json"),
        (status = 303, description = "For a page's form: it is decided, and this is where."),
        Refusals,
    ),
)]
pub(crate) async fn rollback(
    State(decides): State<Arc<dyn Decides>>,
    Named(name): Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (form, decision) = read(&*decides, &headers, &body)?;
    let ticker = asked::ticker(&name)?;
    let version = decision.version.ok_or_else(|| Problem::field("version", "it names the version to go back to"))?;
    let version = version.parse().map_err(|error| Problem::field("version", error))?;
    let promoted = decides.rollback(&ticker, &version, decision.reason.unwrap_or_default().trim()).await?;
    Ok(decided(form, &ticker, &promoted))
}

/// Releases what a rollback pinned.
///
/// From the next night on it is judged like any other.
#[utoipa::path(
    post,
    path = "/tickers/{ticker}/release",
    tag = "decisions",
    security(("token" = [])),
    params(("ticker" = Ticker, Path, description = "The series.")),
    request_body(content = Option<Reason>),
    responses(
        (status = 200, description = "Who is in service now, and why.", body = Object, content_type = "application/json"),
        (status = 303, description = "For a page's form: it is decided, and this is where."),
        Refusals,
    ),
)]
pub(crate) async fn release(
    State(decides): State<Arc<dyn Decides>>,
    Named(name): Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (form, decision) = read(&*decides, &headers, &body)?;
    let ticker = asked::ticker(&name)?;
    if decision.version.is_some() {
        return Err(Problem::field("version", "a release has none: whatever is pinned is released"));
    }
    let promoted = decides.release(&ticker, decision.reason.unwrap_or_default().trim()).await?;
    Ok(decided(form, &ticker, &promoted))
}

/// Reaches the newest verdict again from what is stored.
///
/// The night's row of the record, the evidence, the versions and the reason, number for number; what differs is named by a problem.
#[utoipa::path(
    post,
    path = "/tickers/{ticker}/verify",
    tag = "decisions",
    security(("token" = [])),
    params(("ticker" = Ticker, Path, description = "The series.")),
    responses(
        (status = 200, description = "It was reached again.", content((Object = "application/json"), (String = "text/html"))),
        Refusals,
    ),
)]
pub(crate) async fn verify(
    State(decides): State<Arc<dyn Decides>>,
    Named(name): Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (form, _) = read(&*decides, &headers, &body)?;
    let ticker = asked::ticker(&name)?;
    let verified = decides.verify(&ticker).await?;
    Ok(if form { pages::ticker::verified(&verified) } else { json(&verified) })
}

fn decided(form: bool, ticker: &Ticker, promoted: &Promoted) -> Response {
    if form { Redirect::to(&format!("/tickers/{ticker}?tab=verdicts")).into_response() } else { json(promoted) }
}

/// What is asked, and whether by a page's form. Who may not decide need not know what is wrong with the request.
fn read(decides: &dyn Decides, headers: &HeaderMap, body: &[u8]) -> Result<(bool, Body), Problem> {
    let form = is_form(headers, body);
    let read = if form { from_form(body) } else { from_json(body) };
    let token = read.as_ref().ok().and_then(|decision| decision.token.clone()).or_else(|| bearer(headers));
    if !decides.admits(token.as_deref()) {
        return Err(unauthorized(token.as_deref()));
    }
    let decision = read?;
    if decision.reason.iter().any(|reason| reason.chars().count() > MAX_REASON) {
        return Err(Problem::field("reason", format_args!("longer than {MAX_REASON} characters")));
    }
    Ok((form, decision))
}

fn from_form(body: &[u8]) -> Result<Body, Problem> {
    let mut decision = Body::default();
    for (name, value) in form_urlencoded::parse(body) {
        let value = value.trim().to_owned();
        match &*name {
            "token" => decision.token = Some(value),
            "version" => decision.version = Some(value).filter(|value| !value.is_empty()),
            "reason" => decision.reason = Some(value),
            other => return Err(Problem::field(other, "there is no such field")),
        }
    }
    Ok(decision)
}
