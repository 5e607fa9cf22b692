//! `POST /ingest`: rows as they arrive. It writes.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use jiff::Timestamp;
use pipeline::stream::{Accepted, Arrival, Format, Message, Refused, read};
use utoipa::IntoResponses;

use super::start::bearer;
use crate::{Problem, format::json};

/// No body is larger.
const LARGEST_BODY: usize = 4 << 20;
/// No body has more rows.
const MAX_ROWS: usize = 20_000;

/// Who takes rows in.
#[async_trait]
pub trait Ingests: Send + Sync {
    /// Whether whoever asks may: the bearer token of the request, where it has one.
    fn admits(&self, token: Option<&str>) -> bool;

    /// Takes rows in, in their order.
    async fn ingest(&self, at: Timestamp, rows: Vec<Result<Arrival, Refused>>) -> Result<Accepted, Problem>;
}

pub(crate) fn route(ingests: Arc<dyn Ingests>) -> Router {
    Router::new().route("/ingest", post(ingest)).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(ingests)
}

/// What becomes of rows.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described here, answered by the handler")]
enum Outcomes {
    /// They are kept: what became of each, in their order.
    #[response(status = 200, content_type = "application/json")]
    Kept(#[to_schema] serde_json::Value),
    /// The body is no text.
    #[response(status = 400, content_type = "application/problem+json")]
    Refused(#[to_schema] Problem),
    /// No token, or another one.
    #[response(status = 401, content_type = "application/problem+json")]
    Unknown(#[to_schema] Problem),
    /// It is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// Something of ours is broken; whether rows were kept, sending them again tells.
    #[response(status = 500, content_type = "application/problem+json")]
    Broken(#[to_schema] Problem),
    /// A store cannot be reached now, or too many rows wait: send them again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unreachable(#[to_schema] Problem),
}

/// Takes rows in.
///
/// One a line, JSON (`{"series": "A", "ds": "2026-11-20", "y": 12.5}`, with a `revision` where there is one) or CSV
/// (`A,2026-11-20,12.5`), or a list of such objects. The same rows may be sent again.
#[utoipa::path(
    post,
    path = "/ingest",
    tag = "stream",
    security(("token" = [])),
    request_body(content = String, content_type = "text/plain"),
    responses(Outcomes),
)]
pub(crate) async fn ingest(
    State(ingests): State<Arc<dyn Ingests>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    // Who may bring none need not be listened to.
    if !ingests.admits(bearer(&headers).as_deref()) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong"));
    }
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::field("body", "it is not UTF-8"))?.trim();
    let known = Timestamp::now();
    let row = |body: &[u8]| read(Format::Either, &Message { key: None, body, position: None, known });
    let rows: Vec<Result<Arrival, Refused>> = if text.starts_with('[') {
        let listed: Vec<Box<serde_json::value::RawValue>> =
            serde_json::from_str(text).map_err(|error| Problem::field("body", error))?;
        listed.iter().map(|value| row(value.get().as_bytes())).collect()
    } else {
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| row(line.as_bytes())).collect()
    };
    if rows.len() > MAX_ROWS {
        let detail = format!("{} rows are more than {MAX_ROWS} at once", rows.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(json(&ingests.ingest(known, rows).await?))
}
