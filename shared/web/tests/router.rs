//! The router on a night of the recorded sample, and on stores that fail.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use embedded::{DirectoryArchive, Night, RecordedMarket, SqliteLedger};
use pipeline::{Archive, Created, Error, Key, Ledger, Settings, Trigger};
use serde_json::Value;
use tower::ServiceExt;
use web::{Problem, RunRequest, Site, Started, Starts};

struct Answered {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

async fn get(router: &Router, path: &str) -> Answered {
    send(router, "GET", path).await
}

async fn send(router: &Router, method: &str, path: &str) -> Answered {
    ask(router, Request::builder().method(method).uri(path).body(Body::empty()).expect("a request")).await
}

async fn ask(router: &Router, request: Request<Body>) -> Answered {
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
    let assignment = settings.assignment(pipeline::Market::Recorded, vec!["KO".parse().expect("a ticker")]);
    let (market, patience) = (Arc::new(RecordedMarket), pipeline::Patience::NONE);
    let night = Night {
        market,
        archive: archive.clone(),
        ledger: ledger.clone(),
        programs: Arc::new(pipeline::NoPrograms),
        patience,
    };
    let entry = night.run(&assignment, RecordedMarket::LAST_SESSION, Trigger::Manual, |_| {}).await.expect("closes");
    let router = Site::new(archive.clone(), ledger.clone()).router();

    let forecast = get(&router, "/forecast/ko?horizon=2&level=80&level=95").await;
    assert_eq!(forecast.status, StatusCode::OK);
    assert_eq!(forecast.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!((forecast.body["ticker"].as_str(), forecast.body["origin"].as_str()), (Some("KO"), Some("2020-12-11")));
    assert_eq!(forecast.body["horizons"].as_array().map(Vec::len), Some(2));
    assert_eq!(forecast.body["horizons"][0]["intervals"][1]["level"], 95);
    snapshot(&get(&router, "/forecast/KO").await.body);
    let receipts = get(&router, "/receipts/KO").await.body;
    assert_eq!(receipts[0]["champion"]["version"], forecast.body["version"]);
    let models = get(&router, "/models/KO").await.body;
    assert!(models.as_array().is_some_and(|m| m.iter().any(|m| m["in_service"] == true)), "{models}");
    let version = models[0]["version"].as_str().expect("an id");
    let model = get(&router, &format!("/models/KO/{version}")).await;
    assert_eq!((model.status, &model.body["version"]), (StatusCode::OK, &Value::from(version)));
    let runs = get(&router, "/runs").await.body;
    assert_eq!((&runs[0]["run"], &runs[0]["done"]), (&Value::from(entry.run.id.as_str()), &Value::from(1)));
    let run = get(&router, &format!("/runs/{}", entry.run.id)).await;
    assert_eq!((run.status, &run.body["closure"]["status"]), (StatusCode::OK, &Value::from("succeeded")));
    assert_eq!(get(&router, "/healthz").await.status, StatusCode::OK);

    assert_eq!(get(&router, "/judged").await.body, Value::Array(Vec::new()));
    let said = "series,origin,date,mean\nKO,2020-12-10,2020-12-11,53\nKO,2020-12-11,2020-12-14,54\n";
    let (name, now) = ("colleague".parse().expect("a name"), jiff::Timestamp::now());
    pipeline::judge(&*archive, &*ledger, name, said, now).await.expect("judges");
    assert_eq!(get(&router, "/judged").await.body, serde_json::json!([{ "name": "colleague", "series": 1 }]));
    let judged = get(&router, "/judged/colleague").await.body;
    let series = &judged["series"][0];
    assert_eq!((&series["ticker"], &series["forecasts"], &series["open"]), (&"KO".into(), &1.into(), &1.into()));
    assert_eq!(series["against_walk"]["earned"], 1.0, "nothing was here before: {judged}");
    let page = get(&router, "/judged/colleague?format=html").await.body;
    assert!(page.as_str().is_some_and(|page| page.contains("Nothing is proven yet")), "{page}");

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
    check("/models/KO/2020-12-11-00000000", 404, None).await;
    check("/models/KO/..%2F..%2Fledger.sqlite", 400, Some("version")).await;
    check("/models/..%2Fx/2020-12-11-00000000", 400, Some("ticker")).await;
    check("/forecast/..%2Fx", 400, Some("ticker")).await;
    check("/forecast/KO?horizon=61", 400, Some("horizon")).await;
    check("/forecast/KO?horizon=1e9", 400, Some("horizon")).await;
    check("/forecast/KO?level=0", 400, Some("level")).await;
    check(&format!("/forecast/KO?{}", "level=5&".repeat(11)), 400, Some("level")).await;
    check("/forecast/KO?sessions=3", 400, Some("sessions")).await;
    check("/runs/2020-12-11-00000000", 404, None).await;
    check(&format!("/runs/{}", "x".repeat(4_000)), 400, Some("run")).await;
    check("/nowhere", 404, None).await;
    check("/judged/nobody", 404, None).await;
    check("/judged/No%20Body", 400, Some("name")).await;
    check("/?sort=luck", 400, Some("sort")).await;
    check("/tickers/NOBODY", 404, None).await;
    check("/tickers/KO/compare?a=2020-12-11-0123abcd", 400, Some("b")).await;
    check("/tickers/KO/forecast.svg?theme=blue", 400, Some("theme")).await;
    check("/forecast/KO?format=xml", 400, Some("format")).await;
    check("/runs?limit=0", 400, Some("limit")).await;
    check("/tickers?offset=-1", 400, Some("offset")).await;
    check("/tickers/KO?tab=luck", 400, Some("tab")).await;
    check("/scores/NOBODY", 404, None).await;
    check("/forecast/%FF", 400, Some("path")).await;
    check("/runs/%FF", 400, Some("path")).await;
    let posted = send(&router, "POST", "/runs").await;
    assert_eq!(
        (posted.status, &posted.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().expect("a header"))
    );
}

/// The answer of `/forecast/KO` as it is documented, to nine digits: who reads it is not to be surprised.
fn snapshot(answer: &Value) {
    let recorded: Value = serde_json::from_str(include_str!("forecast.json")).expect("JSON");
    same(answer, &recorded, "");
}

fn same(a: &Value, b: &Value, place: &str) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            assert_eq!(x.keys().collect::<Vec<_>>(), y.keys().collect::<Vec<_>>(), "{place}");
            x.iter().for_each(|(name, value)| same(value, &y[name], &format!("{place}/{name}")));
        }
        (Value::Array(x), Value::Array(y)) => {
            assert_eq!(x.len(), y.len(), "{place}");
            x.iter().zip(y).enumerate().for_each(|(i, (x, y))| same(x, y, &format!("{place}/{i}")));
        }
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().expect("a number"), y.as_f64().expect("a number"));
            assert!((x - y).abs() <= 1e-9 * y.abs(), "{place}: {x}, recorded {y}");
        }
        (x, y) => assert_eq!(x, y, "{place}"),
    }
}

/// Stores of a folder, and a night of one ticker on them.
struct Nights {
    _folder: tempfile::TempDir,
    archive: Arc<dyn Archive>,
    ledger: Arc<dyn Ledger>,
    /// As another process would write to it.
    writer: Arc<SqliteLedger>,
}

impl Nights {
    fn new() -> Nights {
        let folder = tempfile::tempdir().expect("a folder");
        let archive: Arc<dyn Archive> = Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
        let path = folder.path().join("ledger.sqlite");
        let writer = Arc::new(SqliteLedger::open(&path).expect("opens"));
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open_existing(&path).expect("opens"));
        Nights { _folder: folder, archive, ledger, writer }
    }

    async fn night(&self, day: &str, tickers: &[&str]) -> pipeline::RunEntry {
        let tickers = tickers.iter().map(|ticker| ticker.parse().expect("a ticker")).collect();
        let assignment =
            Settings::parse("start = 2019-01-01").expect("reads").assignment(pipeline::Market::Recorded, tickers);
        let (market, patience) = (Arc::new(RecordedMarket), pipeline::Patience::NONE);
        let night = Night {
            market,
            archive: self.archive.clone(),
            ledger: self.writer.clone(),
            programs: Arc::new(pipeline::NoPrograms),
            patience,
        };
        night
            .run(&assignment, day.parse::<forecasting::Stamp>().expect("a day"), Trigger::Manual, |_| {})
            .await
            .expect("closes")
    }
}

/// What is known is answered without being read again, and what another process writes shows at the next request.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_shows_at_once() {
    let nights = Nights::new();
    let router = Site::new(nights.archive.clone(), nights.ledger.clone()).router();
    let page = |path: &'static str, tag: Option<String>| {
        let request = Request::builder().uri(path).header(header::ACCEPT, "text/html");
        let request = match tag {
            Some(tag) => request.header(header::IF_NONE_MATCH, tag),
            None => request,
        };
        ask(&router, request.body(Body::empty()).expect("a request"))
    };
    let text = |answered: &Answered| answered.body.as_str().unwrap_or_default().to_owned();
    assert!(text(&page("/", None).await).contains("Nothing has been run yet"));

    nights.night("2020-12-10", &["KO"]).await;
    let first = page("/", None).await;
    assert!(text(&first).contains("nothing failed"), "{}", text(&first));
    let origin = get(&router, "/forecast/KO").await.body["origin"].clone();
    assert_eq!(origin, "2020-12-10");
    let tag = first.headers[header::ETAG].to_str().expect("text").to_owned();
    let again = page("/", Some(tag.clone())).await;
    assert_eq!((again.status, text(&again).len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(first.headers[header::CACHE_CONTROL], "no-cache");

    let entry = nights.night("2020-12-11", &["KO", "NOBODY"]).await;
    assert_eq!(get(&router, "/forecast/KO").await.body["origin"], "2020-12-11");
    let second = page("/", Some(tag)).await;
    assert_eq!(second.status, StatusCode::OK);
    assert!(text(&second).contains("1 of 2 tickers failed") && text(&second).contains("NOBODY"), "{}", text(&second));
    let run = page(Box::leak(format!("/runs/{}", entry.run.id).into_boxed_str()), None).await;
    assert!(text(&run).contains("the recorded sample does not have it"), "errors are told in full");
    assert!(!text(&run).contains("Try again"), "who cannot start runs is not asked to");
    for path in ["/", "/runs", "/docs", "/tickers/KO", "/forecast/KO", "/nowhere"] {
        let answered = get(&router, path).await;
        let policy = answered.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    let asset = text(&second).split('"').find(|part| part.starts_with("/assets/style")).expect("a style").to_owned();
    let asset = get(&router, &asset).await;
    assert!(asset.headers[header::CACHE_CONTROL].to_str().is_ok_and(|value| value.contains("immutable")));
    let head = send(&router, "HEAD", "/forecast/KO").await;
    assert_eq!((head.status, head.body), (StatusCode::OK, Value::from("")));
    assert_eq!(head.headers[header::ETAG], get(&router, "/forecast/KO").await.headers[header::ETAG]);
}

/// Each form of an answer, by name or by what is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn forms() {
    let nights = Nights::new();
    nights.night("2020-12-10", &["KO"]).await;
    let entry = nights.night("2020-12-11", &["KO"]).await;
    let router = Site::new(nights.archive.clone(), nights.ledger.clone()).router();
    let table = format!("/runs/{}/forecasts.csv", entry.run.id);
    for (path, header_line, lines) in [
        ("/forecast/KO?format=csv", "ticker,origin,date,horizon,mean,lower_80", 6),
        ("/models/KO?format=csv", "version,model,first,last,observations", 4),
        ("/receipts/KO?format=csv", "as_of,decision,version,model,reason", 3),
        ("/scores/KO?format=csv", "date,origin,horizon,mean,actual,error", 2),
        ("/runs?format=csv", "run,as_of,trigger,status,done", 3),
        ("/runs?format=csv&limit=1", "run,as_of,trigger,status,done", 2),
        ("/tickers?format=csv", "ticker,status,verdict,origin,last,model", 2),
        ("/forecasts?format=csv", "ticker,origin,date,horizon,mean,lower_80", 6),
        (&table, "ticker,origin,date,horizon,mean,lower_80", 6),
    ] {
        let answered = get(&router, path).await;
        assert_eq!(answered.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8", "{path}");
        let text = answered.body.as_str().expect("text");
        assert!(text.starts_with(header_line), "{path}: {text}");
        assert_eq!(text.lines().count(), lines, "{path}: {text}");
    }
    let first = get(&router, "/runs?limit=1").await;
    assert_eq!(first.headers[header::LINK], "</runs?limit=1&offset=1>; rel=\"next\"");
    let second = get(&router, "/runs?limit=1&offset=1").await;
    assert!(second.headers.get(header::LINK).is_none());
    assert_ne!(first.body[0]["run"], second.body[0]["run"]);
    let forecasts = get(&router, "/forecasts").await.body;
    let forecast = get(&router, "/forecast/KO").await.body;
    assert_eq!(forecasts[0]["horizons"][0]["mean"], forecast["horizons"][0]["mean"], "one number everywhere");
    assert_eq!(get(&router, "/tickers").await.body[0]["skill"], forecast["skill"]);
    let results = get(&router, "/results").await.body;
    assert_eq!((&results["runs"], &results["tickers"]), (&Value::from(2), &Value::from(1)));
    let scores = get(&router, "/scores/KO").await.body;
    assert_eq!((&scores[0]["date"], &scores[0]["horizon"]), (&Value::from("2020-12-11"), &Value::from(1)));
    for (path, kind) in [
        ("/tickers/KO/forecast.svg", "image/svg+xml"),
        ("/tickers/KO/forecast.png?theme=dark", "image/png"),
        ("/tickers/KO/residuals.svg", "image/svg+xml"),
        (&format!("/runs/{}/night.png", entry.run.id), "image/png"),
    ] {
        let answered = get(&router, path).await;
        assert_eq!(
            (answered.status, &answered.headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &kind.parse().expect("a type"))
        );
    }
}

/// Notes what it is asked to start.
#[derive(Default)]
struct Noted(std::sync::Mutex<Vec<RunRequest>>);

#[async_trait::async_trait]
impl Starts for Noted {
    fn admits(&self, token: Option<&str>) -> bool {
        token == Some("right")
    }

    async fn start(&self, wanted: RunRequest) -> Result<Started, Problem> {
        self.0.lock().expect("no panic").push(wanted);
        Ok(Started { request: "r".to_owned(), run: Some("2020-12-11-00000000".parse().expect("an id")) })
    }
}

#[tokio::test]
async fn runs_are_started_by_whoever_may() {
    let nights = Nights::new();
    let starts = Arc::new(Noted::default());
    let router = Site::new(nights.archive.clone(), nights.ledger.clone()).starting(starts.clone()).router();
    let post = async |kind: &str, token: &str, body: &str| {
        let request = Request::builder().method("POST").uri("/runs").header(header::CONTENT_TYPE, kind);
        let request = request.header(header::AUTHORIZATION, token).body(Body::from(body.to_owned()));
        ask(&router, request.expect("a request")).await
    };
    let json = "application/json";
    for token in ["", "Bearer wrong", "Basic right", "right"] {
        let answered = post(json, token, "{}").await;
        assert_eq!(
            (answered.status, answered.body["status"].as_u64()),
            (StatusCode::UNAUTHORIZED, Some(401)),
            "{token}"
        );
        assert_eq!(answered.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    let refused = async |body: &str, field: &str| {
        let answered = post(json, "Bearer right", body).await;
        assert_eq!(
            (answered.status, answered.body["field"].as_str()),
            (StatusCode::BAD_REQUEST, Some(field)),
            "{body}"
        );
    };
    refused("{", "body").await;
    refused("[]", "body").await;
    refused("{\"ticker\":[]}", "body").await;
    refused("{\"tickers\":[\"../x\"]}", "tickers").await;
    refused("{\"as_of\":\"soon\"}", "as_of").await;
    refused("{\"as_of\":\"0998-10-21\"}", "as_of").await;
    refused(&format!("{{\"reason\":\"{}\"}}", "x".repeat(1_001)), "reason").await;
    let large = post(json, "Bearer right", &" ".repeat(100 << 10)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(starts.0.lock().expect("no panic").is_empty(), "nothing was started");

    let started = post(json, "bearer right", "").await;
    assert_eq!(
        (started.status, &started.headers[header::LOCATION]),
        (StatusCode::ACCEPTED, &"/runs/2020-12-11-00000000".parse().expect("a place"))
    );
    let form = "application/x-www-form-urlencoded";
    let as_curl_sends_it = post(form, "Bearer right", "{\"tickers\":[\"../x\"]}").await;
    assert_eq!(
        (as_curl_sends_it.status, as_curl_sends_it.body["field"].as_str()),
        (StatusCode::BAD_REQUEST, Some("tickers"))
    );
    let sent_on = post(form, "", "token=right&tickers=ko%2C+brk-a&as_of=&reason=now").await;
    assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    assert_eq!(post(form, "Bearer right", "token=wrong").await.status, StatusCode::UNAUTHORIZED);
    let wanted = starts.0.lock().expect("no panic").clone();
    assert_eq!(wanted[0], RunRequest::default());
    assert_eq!(wanted[1].tickers.iter().map(forecasting::Ticker::as_str).collect::<Vec<_>>(), ["KO", "BRK-A"]);
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
    let answered = get(&Site::new(Arc::new(Unreachable), Arc::new(ledger)).router(), "/models/KO").await;
    assert_eq!(answered.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answered.headers[header::RETRY_AFTER], "30");
    assert!(!answered.body.to_string().contains("secret-name"), "{}", answered.body);
}
