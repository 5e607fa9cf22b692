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
use serde_json::value::RawValue;
use utoipa::{IntoResponses, ToSchema};

use super::start::bearer;
use crate::{Problem, format::json};

/// No body is larger.
const MAX_BODY: usize = 4 << 20;
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
    Router::new().route("/ingest", post(ingest)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(ingests)
}

/// What becomes of rows.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described here, answered by the handler")]
enum Outcomes {
    /// They are kept: what became of each, in their order.
    #[response(status = 200, content_type = "application/json")]
    Kept(#[to_schema] serde_json::Value),
    /// There are no rows.
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

/// Rows, one a line, or a list of them.
#[derive(ToSchema)]
#[schema(min_length = 1, example = "A,2026-11-20,12.5")]
#[allow(dead_code, reason = "described here, read by the handler")]
struct Rows(String);

/// Takes rows in.
///
/// One a line, JSON (`{"series": "A", "ds": "2026-11-20", "y": 12.5}`, with a `revision` where there is one) or CSV
/// (`A,2026-11-20,12.5`), or a list of such objects. The same rows may be sent again. One that is no row is set aside with the reason.
#[utoipa::path(
    post,
    path = "/ingest",
    tag = "stream",
    security(("token" = [])),
    request_body(content = Rows, content_type = "text/plain"),
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
    if body.is_empty() {
        return Err(Problem::field("body", "there are no rows"));
    }
    let known = Timestamp::now();
    let rows = rows(&body, known);
    if rows.len() > MAX_ROWS {
        let detail = format!("{} rows are more than {MAX_ROWS} at once", rows.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(json(&ingests.ingest(known, rows).await?))
}

/// What is no row, and a list that is broken, is refused by itself: the rows beside it are taken.
fn rows(body: &[u8], known: Timestamp) -> Vec<Result<Arrival, Refused>> {
    let row = |body: &[u8]| read(Format::Either, &Message { key: None, body, position: None, known });
    let body = body.trim_ascii();
    if body.starts_with(b"[") {
        return match serde_json::from_slice::<Vec<Box<RawValue>>>(body) {
            Ok(listed) => listed.iter().map(|value| row(value.get().as_bytes())).collect(),
            Err(error) => vec![Err(Refused::new(body, None, format!("no list of JSON: {error}")))],
        };
    }
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_row_is_refused_by_itself() {
        let refused = |body: &[u8]| -> Vec<Option<String>> {
            rows(body, Timestamp::UNIX_EPOCH).into_iter().map(|row| row.err().map(|refused| refused.reason)).collect()
        };
        assert_eq!(refused(b" \n\r\n"), Vec::<Option<String>>::new());
        assert_eq!(refused(b"a,2026-11-20,1\r\n\na,2026-11-21,2\n"), [None, None]);
        let lines = refused(b"a,2026-11-20,1\n\xff,2026-11-21,2");
        assert_eq!((lines[0].clone(), lines[1].as_deref()), (None, Some("it is not UTF-8")));
        let list = refused(br#"[{"series": "a", "ds": "2026-11-20", "y": 1}, 3]"#);
        assert!(
            list[0].is_none() && list[1].as_deref().is_some_and(|reason| reason.contains("it has 1 field")),
            "{list:?}"
        );
        let broken = refused(br#"[{"series": "a", "ds": "2026-11-20", "y": 1}, "#);
        assert!(broken.len() == 1 && broken[0].as_deref().is_some_and(|reason| reason.contains("no list of JSON")));
    }
}
