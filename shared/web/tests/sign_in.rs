//! A site that is open to the internet asks who is there.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use pipeline::testing::{MemoryArchive, MemoryLedger};
use tower::ServiceExt;
use web::{Keys, Problem, Role, RunRequest, Site, Started, Starts};

const READER: &str = "a-reader's-token-of-some-length";
const OPERATOR: &str = "an-operator's-token-of-some-length";

struct Tokens;

#[async_trait]
impl Keys for Tokens {
    async fn role(&self, token: &str) -> Result<Option<Role>, Problem> {
        Ok(match token {
            READER => Some(Role::Reader),
            OPERATOR => Some(Role::Operator),
            _ => None,
        })
    }
}

struct Anything;

#[async_trait]
impl Starts for Anything {
    fn admits(&self, _: Option<&str>) -> bool {
        true
    }

    async fn start(&self, _: RunRequest) -> Result<Started, Problem> {
        Ok(Started { request: "it".to_owned(), run: None })
    }
}

fn site() -> Router {
    let (archive, ledger) = (Arc::new(MemoryArchive::default()), Arc::new(MemoryLedger::default()));
    Site::new(archive, ledger).starting(Arc::new(Anything)).signed_in(Arc::new(Tokens)).router()
}

/// Sends a request with these headers: `name: value`.
async fn send(method: &str, path: &str, headers: &[&str], body: &str) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for header in headers {
        let (name, value) = header.split_once(": ").expect("name: value");
        request = request.header(name, value);
    }
    site().oneshot(request.body(Body::from(body.to_owned())).expect("a request")).await.expect("an answer")
}

const BROWSER: &str = "accept: text/html";
const FORM: &str = "content-type: application/x-www-form-urlencoded";

#[tokio::test]
async fn who_is_not_known_reads_nothing() {
    let page = send("GET", "/runs?format=html", &[BROWSER], "").await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    assert_eq!(page.headers()[header::LOCATION], "/sign-in?next=%2Fruns%3Fformat%3Dhtml");
    for headers in
        [&["accept: application/json"][..], &["authorization: Bearer wrong"], &["cookie: __Host-closing-bell=wrong"]]
    {
        for path in ["/", "/runs", "/forecast/KO", "/openapi.json", "/nowhere"] {
            let refused = send("GET", path, headers, "").await;
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path} {headers:?}");
            assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
        assert_eq!(send("POST", "/runs", headers, "").await.status(), StatusCode::UNAUTHORIZED);
    }
    // A program that guesses is not sent on, whatever it would like to see; and no other site signs anybody in or out.
    let guessed = send("GET", "/", &[BROWSER, "authorization: Bearer wrong"], "").await;
    assert_eq!(guessed.status(), StatusCode::UNAUTHORIZED);
    let foreign = send("POST", "/sign-in", &[FORM, "sec-fetch-site: cross-site"], "token=").await;
    assert_eq!((foreign.status(), foreign.headers().get(header::SET_COOKIE)), (StatusCode::FORBIDDEN, None));
    for path in ["/healthz", "/sign-in", "/sign-in?next=/runs"] {
        assert_eq!(send("GET", path, &[], "").await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_token_signs_in() {
    let wrong = send("POST", "/sign-in", &[FORM, BROWSER], "token=wrong").await;
    assert_eq!((wrong.status(), wrong.headers().get(header::SET_COOKIE)), (StatusCode::UNAUTHORIZED, None));
    let right = send("POST", "/sign-in", &[FORM, BROWSER], &format!("token={READER}&next=%2Fruns")).await;
    assert_eq!(
        (right.status(), &right.headers()[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/runs".parse().expect("a header"))
    );
    let cookie = right.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    for part in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="] {
        assert!(cookie.contains(part), "{cookie}: {part}");
    }
    let kept = cookie.split(';').next().expect("a pair");
    let signed_in = format!("cookie: other=1; {kept}");
    assert_eq!(send("GET", "/runs?format=html", &[&signed_in, BROWSER], "").await.status(), StatusCode::OK);
    assert_eq!(send("GET", "/runs", &[&format!("authorization: Bearer {READER}")], "").await.status(), StatusCode::OK);
    // Elsewhere is no place to go on.
    for next in
        ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "/%09/elsewhere.example", ""]
    {
        let sent = send("POST", "/sign-in", &[FORM], &format!("token={READER}&next={next}")).await;
        assert_eq!(sent.headers()[header::LOCATION], "/", "{next}");
    }
    let out = send("POST", "/sign-in", &[FORM, &signed_in], "token=").await;
    assert!(out.headers()[header::SET_COOKIE].to_str().expect("text").contains("Max-Age=0"));
}

#[tokio::test]
async fn operators_alone_start_runs() {
    let reader = format!("cookie: __Host-closing-bell={READER}");
    let operator = format!("cookie: __Host-closing-bell={OPERATOR}");
    assert_eq!(send("POST", "/runs", &[&reader], "").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(send("POST", "/runs", &[&operator], "").await.status(), StatusCode::ACCEPTED);
    assert_eq!(
        send("POST", "/runs", &[&operator, "sec-fetch-site: same-origin"], "").await.status(),
        StatusCode::ACCEPTED
    );
    for site in ["cross-site", "same-site"] {
        let forged = send("POST", "/runs", &[&operator, &format!("sec-fetch-site: {site}"), FORM], "train=on").await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{site}");
    }
    let run = "/runs/2020-12-11-0123abcd";
    assert_eq!(send("POST", run, &[&reader], "").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(send("POST", run, &[&operator], "").await.status(), StatusCode::ACCEPTED);
    // The form asks for no token that the browser has sent already.
    let page = send("GET", "/runs?format=html", &[&operator, BROWSER], "").await;
    let page = axum::body::to_bytes(page.into_body(), 1 << 20).await.expect("a body");
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("action=\"/runs\"") && !page.contains("name=\"token\""));
}
