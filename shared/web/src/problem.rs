use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pipeline::Error;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        Content, Ref, RefOr,
        response::{Response as Described, ResponseBuilder},
    },
};

/// An error as RFC 9457 describes it: `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// The status in words.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// What is wrong.
    pub detail: String,
    /// The field of the request that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

const PROBLEM_TYPE: &str = "application/problem+json";

/// A store that cannot be reached now may be in half a minute.
const RETRY_AFTER_SECONDS: &str = "30";

impl Problem {
    /// A problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Error");
        Problem { status: status.as_u16(), title, detail: detail.into(), field: None }
    }

    /// A field of the request that is out of bounds or no value of its kind.
    pub fn field(field: &str, reason: impl std::fmt::Display) -> Problem {
        Problem { field: Some(field.to_owned()), ..Problem::new(StatusCode::BAD_REQUEST, format!("{field}: {reason}")) }
    }

    /// A failure of ours; what stands behind it is for the log.
    pub fn internal(error: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%error, "an answer cannot be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written")
    }

    /// The document.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a problem is plain data")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match &error {
            Error::Request { field, reason } => Problem::field(field, reason),
            Error::NoForecast { .. } | Error::UnknownTicker { .. } => {
                Problem::new(StatusCode::NOT_FOUND, error.to_string())
            }
            // Nothing is lost: what is on record does not tell that.
            Error::Forecasting { .. } => Problem::new(StatusCode::NOT_FOUND, error.to_string()),
            // What stands behind it, names of stores and keys, is for the log.
            _ if error.is_transient() => {
                tracing::error!(%error, "a store cannot be reached");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "a store cannot be reached now")
            }
            _ => {
                tracing::error!(%error, "a request failed");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer on record cannot be read")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For whoever shows it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

/// The problems that any reading may meet, as the interface describes them.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[
            ("400", "A field of the request is out of bounds."),
            ("404", "There is nothing of that name on record."),
            ("500", "What is on record cannot be read."),
            ("503", "A store cannot be reached now; Retry-After says when to ask again."),
        ])
    }
}

/// Those that a request which writes may meet.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let mut all = described(&[
            ("400", "A field of the request is out of bounds."),
            ("401", "No token, or another one."),
            ("404", "There is no such run, or no such series."),
            ("409", "Not now: a night is under way, the session has not closed yet, or there is nothing to decide."),
            ("500", "It failed."),
            ("503", "A store cannot be reached now; Retry-After says when to ask again."),
        ]);
        let text = Content::new(Some(utoipa::openapi::Object::with_type(utoipa::openapi::Type::String)));
        let too_large =
            ResponseBuilder::new().description("The body is too large.").content("text/plain", text).build();
        all.insert("413".to_owned(), RefOr::T(too_large));
        all
    }
}

fn described(problems: &[(&str, &str)]) -> BTreeMap<String, RefOr<Described>> {
    let problem = |what: &str| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        ResponseBuilder::new().description(what).content(PROBLEM_TYPE, content).build()
    };
    problems.iter().map(|(status, what)| ((*status).to_owned(), RefOr::T(problem(what)))).collect()
}
