//! Who may read and who may start runs, where a site is open to the internet: whoever has a token. A program sends it as a bearer token, a
//! browser in a cookie that the sign-in page sets.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    extract::{RawForm, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{Problem, api::start::bearer, format::wants_page, pages};

/// What a token lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads everything.
    Reader,
    /// Starts and completes runs, too.
    Operator,
}

/// Who knows the tokens.
#[async_trait]
pub trait Keys: Send + Sync {
    /// What this token lets its bearer do; nothing where it is none.
    async fn role(&self, token: &str) -> Result<Option<Role>, Problem>;
}

/// Kept to this host, sent over TLS alone, hidden from scripts and left out of what other sites ask for.
const COOKIE: &str = "__Host-closing-bell";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// A month.
const SECONDS: u32 = 30 * 86_400;

/// What needs no token: it tells nothing.
pub(crate) fn is_open(path: &str) -> bool {
    path == "/healthz" || path == "/sign-in" || path.starts_with("/assets/")
}

/// Lets a request pass whose token allows it. Who is not known is sent to the sign-in page, or refused.
pub(crate) async fn guard(State(keys): State<Arc<dyn Keys>>, mut request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (token, by_cookie) = match (bearer(request.headers()), cookie(request.headers())) {
        (Some(token), _) => (token, false),
        (None, Some(token)) => (token, true),
        (None, None) => return unknown(&request, reads),
    };
    let role = match keys.role(&token).await {
        Ok(role) => role,
        Err(problem) => return problem.into_response(),
    };
    match role {
        None => unknown(&request, reads),
        Some(Role::Reader) if !reads => {
            Problem::new(StatusCode::FORBIDDEN, "this token reads: runs are started with an operator's").into_response()
        }
        // A browser sends the cookie with what this site asks for alone; one that says otherwise is refused.
        Some(_) if !reads && by_cookie && is_foreign(request.headers()) => {
            Problem::new(StatusCode::FORBIDDEN, "another site sent this").into_response()
        }
        Some(_) => {
            if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) {
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            next.run(request).await
        }
    }
}

pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// Marks an answer to a wrong token that is not refused in so many words.
#[derive(Clone)]
pub(crate) struct WrongToken;

fn unknown(request: &Request, reads: bool) -> Response {
    // Whoever sends a bearer token is a program, whatever it would like to see.
    let (by_bearer, by_cookie) = (bearer(request.headers()).is_some(), cookie(request.headers()).is_some());
    if reads && wants_page(request.headers()) && !by_bearer {
        let next: String = form_urlencoded::byte_serialize(request.uri().to_string().as_bytes()).collect();
        let mut response = Redirect::to(&format!("/sign-in?next={next}")).into_response();
        if by_cookie {
            response.extensions_mut().insert(WrongToken);
        }
        return response;
    }
    Problem::new(StatusCode::UNAUTHORIZED, "a token is needed here").into_response()
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

pub(crate) fn route(keys: Arc<dyn Keys>) -> Router {
    Router::new().route("/sign-in", get(ask).post(sign_in)).with_state(keys)
}

async fn ask(RawQuery(query): RawQuery) -> Response {
    pages::sign_in::page(&place(query.unwrap_or_default().as_bytes()), false)
}

/// A right token is kept in the browser; an empty one forgets the one there is.
async fn sign_in(
    State(keys): State<Arc<dyn Keys>>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Result<Response, Problem> {
    if is_foreign(&headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "another site sent this"));
    }
    let token =
        form_urlencoded::parse(&form).find(|(name, _)| name == "token").map(|(_, value)| value.trim().to_owned());
    let token = token.unwrap_or_default();
    let place = place(&form);
    let (kept, seconds) = match token.as_str() {
        "" => ("", 0),
        token if keys.role(token).await?.is_some() => (token, SECONDS),
        _ => {
            let mut again = pages::sign_in::page(&place, true);
            *again.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(again);
        }
    };
    let value = HeaderValue::from_str(&format!("{COOKIE}={kept}; Max-Age={seconds}; {ATTRIBUTES}"));
    let mut response = Redirect::to(if kept.is_empty() { "/sign-in" } else { &place }).into_response();
    response.headers_mut().insert(header::SET_COOKIE, value.map_err(|error| Problem::field("token", error))?);
    Ok(response)
}

/// Where to go on from there: a place of this site, whatever is asked for.
fn place(form: &[u8]) -> String {
    let next = form_urlencoded::parse(form).find(|(name, _)| name == "next").map(|(_, value)| value.into_owned());
    let here = |next: &String| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains(|c: char| c == '\\' || c.is_control())
    };
    next.filter(here).unwrap_or_else(|| "/".to_owned())
}
