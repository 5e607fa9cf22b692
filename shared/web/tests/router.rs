//! The router on a night of the recorded sample, and on stores that fail.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use embedded::{DirectoryArchive, Night, RecordedMarket, SqliteLedger, Waits};
use pipeline::{Archive, Created, Error, Key, Ledger, Settings, Trigger};
use serde_json::Value;
use tower::ServiceExt;

struct Answered {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

async fn get(router: &Router, path: &str) -> Answered {
    send(router, "GET", path).await
}

async fn send(router: &Router, method: &str, path: &str) -> Answered {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    Answered { status, headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_over_http() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive: Arc<dyn Archive> = Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens"));
    let settings = Settings::parse("start = 2019-01-01").expect("reads");
    let configuration = settings.configuration("recorded", vec!["KO".parse().expect("a ticker")]);
    let (market, waits) = (Arc::new(RecordedMarket), Waits::NONE);
    let night = Night { market, archive: archive.clone(), ledger: ledger.clone(), waits };
    let entry = night.run(configuration, RecordedMarket::LAST_SESSION, Trigger::Manual, |_| {}).await.expect("closes");
    let router = web::router(archive, ledger);

    let forecast = get(&router, "/forecast/ko?horizon=2&level=80&level=95").await;
    assert_eq!(forecast.status, StatusCode::OK);
    assert_eq!(forecast.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!((forecast.body["ticker"].as_str(), forecast.body["origin"].as_str()), (Some("KO"), Some("2020-12-11")));
    assert_eq!(forecast.body["horizons"].as_array().map(Vec::len), Some(2));
    assert_eq!(forecast.body["horizons"][0]["intervals"][1]["level"], 95);
    let receipts = get(&router, "/receipts/KO").await.body;
    assert_eq!(receipts[0]["champion"]["version"], forecast.body["version"]);
    let models = get(&router, "/models/KO").await.body;
    assert!(models.as_array().is_some_and(|m| m.iter().any(|m| m["in_service"] == true)), "{models}");
    let runs = get(&router, "/runs").await.body;
    assert_eq!((&runs[0]["run"], &runs[0]["done"]), (&Value::from(entry.run.id.as_str()), &Value::from(1)));
    let run = get(&router, &format!("/runs/{}", entry.run.id)).await;
    assert_eq!((run.status, &run.body["closure"]["status"]), (StatusCode::OK, &Value::from("closed")));
    assert_eq!(get(&router, "/healthz").await.status, StatusCode::OK);

    let check = async |path: &str, status: u16, field: Option<&str>| {
        let answered = get(&router, path).await;
        assert_eq!(answered.status, status, "{path}: {}", answered.body);
        assert_eq!(answered.headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(answered.body["status"], status, "{path}");
        assert_eq!(answered.body["field"].as_str(), field, "{path}: {}", answered.body);
        assert!(answered.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{path}");
    };
    check("/forecast/NOBODY", 404, None).await;
    check("/models/NOBODY", 404, None).await;
    check("/receipts/NOBODY", 404, None).await;
    check("/forecast/..%2Fx", 400, Some("ticker")).await;
    check("/forecast/KO?horizon=61", 400, Some("horizon")).await;
    check("/forecast/KO?horizon=1e9", 400, Some("horizon")).await;
    check("/forecast/KO?level=0", 400, Some("level")).await;
    check(&format!("/forecast/KO?{}", "level=5&".repeat(11)), 400, Some("level")).await;
    check("/forecast/KO?sessions=3", 400, Some("sessions")).await;
    check("/runs/2020-12-11-00000000", 404, None).await;
    check(&format!("/runs/{}", "x".repeat(4_000)), 400, Some("run")).await;
    check("/", 404, None).await;
    let posted = send(&router, "POST", "/runs").await;
    assert_eq!(
        (posted.status, &posted.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().expect("a header"))
    );
}

/// An archive that cannot be reached.
struct Unreachable;

#[async_trait::async_trait]
impl Archive for Unreachable {
    async fn create(&self, _: &Key, _: &[u8]) -> Result<Created, Error> {
        Err(unreachable_now())
    }

    async fn read(&self, _: &Key) -> Result<Option<Vec<u8>>, Error> {
        Err(unreachable_now())
    }

    async fn remove(&self, _: &Key) -> Result<(), Error> {
        Err(unreachable_now())
    }

    async fn list(&self, _: &str) -> Result<Vec<String>, Error> {
        Err(unreachable_now())
    }
}

fn unreachable_now() -> Error {
    let what = "s3://secret-name/models/KO/".to_owned();
    Error::Store { what, action: "listed", reason: "timed out".to_owned(), transient: true }
}

#[tokio::test]
async fn stores_that_cannot_be_reached() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens");
    let answered = get(&web::router(Arc::new(Unreachable), Arc::new(ledger)), "/models/KO").await;
    assert_eq!(answered.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answered.headers[header::RETRY_AFTER], "30");
    assert!(!answered.body.to_string().contains("secret-name"), "{}", answered.body);
}
