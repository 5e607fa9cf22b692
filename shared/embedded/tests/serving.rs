//! `closing-bell serve` as a process: on an empty folder, starting nights, failing, missing one, and stopping when it is told to.

mod support;

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, routing::post};
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::Bench;

const TOKEN: &str = "a-token-for-tests";

struct Service {
    child: Child,
    address: String,
    client: reqwest::Client,
}

impl Service {
    fn start(command: &mut Command) -> Service {
        let command = command.env("CLOSING_BELL_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("Closing Bell is at ").unwrap_or_else(|| panic!("{line}"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Service { child, address: address.trim_end_matches('/').to_owned(), client }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("{}{path}", self.address)).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("text"))
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.1).expect("JSON")
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let post = self.client.post(format!("{}{path}", self.address)).bearer_auth(TOKEN);
        let answer = post.body(body.to_string()).send().await.expect("an answer");
        (answer.status(), serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
    }

    /// Waits until a run is closed.
    async fn closed(&self, run: &str) -> Value {
        let begun = Instant::now();
        loop {
            let entry = self.json(&format!("/runs/{run}")).await;
            if entry["closure"].is_object() {
                return entry;
            }
            assert!(begun.elapsed() < Duration::from_mins(2), "{run} is not closed: {entry}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop, as a service manager does; answers with what it had to say.
    fn stop(self) -> String {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
        let output = self.child.wait_with_output();
        // `wait_with_output` took the child: its streams are read to their ends.
        let output = output.expect("ends");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_folder_to_a_night_and_its_end() {
    let bench = Bench::new();
    let service = Service::start(&mut bench.command("serve --market recorded --port 0"));
    assert_eq!(service.get("/healthz").await, (StatusCode::OK, "ok".to_owned()));
    let port = service.address.rsplit(':').next().expect("a port").trim_end_matches('/').to_owned();
    assert_eq!(bench.run(&format!("health --port {port}")).expect(0).out, "ok\n");
    assert!(bench.run("health --port 1").expect(3).err.contains("127.0.0.1:1/healthz"));
    assert_eq!(service.json("/runs").await, json!([]));
    let page = service.client.get(&service.address).header("accept", "text/html").send().await.expect("a page");
    assert!(page.text().await.expect("text").contains("Nothing has been run yet"));

    // A typo makes neither a run nor a row.
    let (status, refused) = service.post("/runs", &json!({ "tickers": ["KO", "NOBODY"] })).await;
    assert_eq!((status, &refused["field"]), (StatusCode::NOT_FOUND, &json!("tickers")), "{refused}");
    assert_eq!(service.json("/runs").await, json!([]));
    let (status, started) = service.post("/runs", &json!({ "tickers": ["KO"], "reason": "a test" })).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{started}");
    let run = started["run"].as_str().expect("a run").to_owned();
    let (status, busy) = service.post("/runs", &json!({ "tickers": ["KO"] })).await;
    assert!(status == StatusCode::CONFLICT || status == StatusCode::ACCEPTED, "{busy}");
    let entry = service.closed(&run).await;
    assert_eq!((&entry["closure"]["status"], &entry["run"]["trigger"]), (&json!("succeeded"), &json!("manual")));
    assert_eq!(service.json("/forecast/KO").await["origin"], "2020-12-11");
    // As another command finds it.
    assert!(bench.run("receipts KO").out.contains("promote"));

    let (status, problem) = service.post("/runs", &json!({ "as_of": "2099-01-02" })).await;
    assert!(status == StatusCode::CONFLICT, "{problem}");
    let (status, problem) = service.post("/runs/2020-12-11-00000000", &Value::Null).await;
    assert!(status == StatusCode::NOT_FOUND || status == StatusCode::CONFLICT, "{problem}");
    let said = service.stop();
    assert!(said.contains("Recorded prices do not get newer"), "{said}");
    assert!(!said.contains("token"), "a token that was given is not repeated: {said}");
}

/// Numbers that are no prices may be zero and negative: no page divides by them.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_values() {
    let bench = Bench::new();
    let day = |n: i64| jiff::civil::date(2025, 1, 1).checked_add(jiff::Span::new().days(n)).expect("a day");
    let rows: String = (0..60).map(|n| format!("{},{}\n", day(n), [0, 3, -2, 1, 0, -4, 2][n as usize % 7])).collect();
    bench.write("values/NORTH.csv", &format!("date,value\n{rows}"));
    let set = "--market csv:values --set kind=value --set families=[\"theta\"]";
    for n in [55, 56, 57] {
        bench.run(&format!("run {set} --as-of {}", day(n))).expect(0);
    }
    let service = Service::start(&mut bench.command(&format!("serve {set} --port 0 --no-schedule")));
    for path in ["/", "/tickers/NORTH", "/tickers/NORTH?tab=record", "/tickers/NORTH?tab=data", "/results"] {
        let asked = service.client.get(format!("{}{path}", service.address)).header("accept", "text/html");
        let page = asked.send().await.expect("a page").text().await.expect("text");
        assert!(page.contains("</html>") && !page.contains("NaN") && !page.contains("inf "), "{path}: {page}");
        assert!(!page.contains(":null") && !page.contains("null]"), "{path}: a chart without a number: {page}");
    }
    service.stop();
}

/// What a person decides on a page: a version goes back, and is released; each with its reason, and not without the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides() {
    let bench = Bench::new();
    for day in ["2020-12-10", "2020-12-11"] {
        bench
            .run(&format!(
                "run --market recorded --ticker KO --as-of {day} --set promotion=always --set families=[\"arima\"]"
            ))
            .expect(0);
    }
    let receipts = bench.run("receipts KO --json").expect(0).json();
    let (now, before) = (&receipts[0]["champion"]["version"], &receipts[1]["champion"]["version"]);
    assert_ne!(now, before, "each night has a version of its own");
    let service = Service::start(&mut bench.command("serve --market recorded --port 0"));
    let form =
        service.client.post(format!("{}/tickers/KO/rollback", service.address)).json(&json!({ "version": before }));
    assert_eq!(form.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let (status, refused) = service.post("/tickers/KO/rollback", &json!({ "version": "2020-12-01-00000000" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "it never served: {refused}");
    let (status, done) =
        service.post("/tickers/KO/rollback", &json!({ "version": before, "reason": "it looks wrong" })).await;
    assert_eq!((status, &done["champion"]["version"]), (StatusCode::OK, before), "{done}");
    assert_eq!(&service.json("/forecast/KO").await["version"], before);
    let run = service.json("/receipts/KO").await[0]["run"].as_str().expect("a run").to_owned();
    let page = service.client.get(format!("{}/runs/{run}", service.address)).header("accept", "text/html").send().await;
    assert!(page.expect("a page").text().await.expect("text").contains("it looks wrong"));
    let (status, verified) = service.post("/tickers/KO/verify", &Value::Null).await;
    assert_eq!((status, &verified["decision"]), (StatusCode::OK, &json!("rollback")), "{verified}");
    let (status, done) = service.post("/tickers/KO/release", &json!({ "reason": "it was right" })).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (status, refused) = service.post("/tickers/KO/release", &Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    service.stop();
    bench.run("verify --all").expect(0);
}

/// Why a run is asked for again is on its page at once, though nothing else has changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_reason_is_shown() {
    let bench = Bench::new();
    let service = Service::start(&mut bench.command("serve --market recorded --port 0"));
    let (_, started) = service.post("/runs", &json!({ "tickers": ["KO"], "reason": "the first" })).await;
    let run = started["run"].as_str().expect("a run").to_owned();
    service.closed(&run).await;
    let page = async || {
        let asked = service.client.get(format!("{}/runs/{run}", service.address)).header("accept", "text/html");
        asked.send().await.expect("a page").text().await.expect("text")
    };
    assert!(page().await.contains("the first"));
    let begun = Instant::now();
    while service.post("/runs", &json!({ "tickers": ["KO"], "reason": "the second" })).await.0 != StatusCode::ACCEPTED {
        assert!(begun.elapsed() < Duration::from_mins(1), "it stays busy");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(page().await.contains("the second"));
    service.stop();
}

/// A service whose ledger was deleted does not go on as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_goes_away() {
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO").expect(0);
    let service = Service::start(&mut bench.command("serve --market recorded --port 0"));
    assert_eq!(service.get("/forecast/KO").await.0, StatusCode::OK);
    let ledger = bench.path("closing-bell-data/ledger.sqlite");
    let aside = bench.path("aside.sqlite");
    std::fs::rename(&ledger, &aside).expect("renames");
    assert_eq!(service.get("/healthz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(service.get("/forecast/KO").await.0.is_server_error());
    let (status, problem) = service.post("/runs", &json!({ "tickers": ["KO"] })).await;
    assert!(status.is_server_error() && problem["detail"].as_str().is_some_and(|d| d.contains("recover")), "{problem}");
    service.stop();
    // The refused request has made an empty one.
    std::fs::rename(&aside, &ledger).expect("renames");
    bench.run("verify --all").expect(0);
}

/// A certificate for this machine, written as PEM; answers with what a client trusts.
fn certificate(bench: &Bench) -> reqwest::Certificate {
    let made =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("a certificate");
    bench.write("key.pem", &made.signing_key.serialize_pem());
    bench.write("chain.pem", &made.cert.pem());
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("PEM")
}

/// Over TLS, for those who have a token; and a newer certificate is taken without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn tls_and_tokens_of_readers() {
    const READER: &str = "a-reader-of-tests";
    let bench = Bench::new();
    bench.run("run --market recorded --ticker KO").expect(0);
    let first = certificate(&bench);
    let words = "serve --market recorded --port 0 --tls-certificate chain.pem --tls-key key.pem";
    let service = Service::start(bench.command(words).env("CLOSING_BELL_READ_TOKEN", READER));
    assert!(service.address.starts_with("https://"), "{}", service.address);
    let trusting = |one: &reqwest::Certificate| {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([one.clone()]);
        client.timeout(Duration::from_secs(5)).build().expect("a client")
    };
    let client = trusting(&first);
    // Who says nothing holds up nobody.
    let place = service.address.trim_start_matches("https://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(&place).await.expect("connects"));
    }
    let ask = async |client: &reqwest::Client, path: &str, token: &str| {
        client.get(format!("{}{path}", service.address)).bearer_auth(token).send().await.map(|answer| answer.status())
    };
    assert_eq!(ask(&client, "/healthz", "").await.expect("an answer"), StatusCode::OK);
    assert_eq!(ask(&client, "/runs", "a-guess-that-is-long").await.expect("an answer"), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&client, "/forecast/KO", READER).await.expect("an answer"), StatusCode::OK);
    assert_eq!(ask(&client, "/forecast/KO", TOKEN).await.expect("an answer"), StatusCode::OK);
    // What has been answered to one is not for another.
    for token in ["", "a-guess-that-is-long"] {
        assert_eq!(ask(&client, "/forecast/KO", token).await.expect("an answer"), StatusCode::UNAUTHORIZED);
    }
    let start = async |token: &str| {
        let post = client.post(format!("{}/runs", service.address)).bearer_auth(token).body(r#"{"tickers": ["KO"]}"#);
        post.send().await.expect("an answer").status()
    };
    assert_eq!(start(READER).await, StatusCode::FORBIDDEN);
    assert_eq!(start(TOKEN).await, StatusCode::ACCEPTED);

    let second = certificate(&bench);
    let (newer, begun) = (trusting(&second), Instant::now());
    while ask(&newer, "/runs", READER).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the newer certificate is not taken");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Half a certificate changes nothing.
    bench.write("chain.pem", "-----BEGIN CERTIFICATE-----");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(ask(&trusting(&second), "/runs", READER).await.expect("an answer"), StatusCode::OK);
    drop(silent);
    service.stop();
    let told = bench.run(words).expect(2);
    assert!(told.err.contains("chain.pem"), "{told:?}");
}

/// From rows that are sent to a forecast that knows them, and a page that follows.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_sent() {
    let bench = Bench::new();
    bench.write(
        "closing-bell.toml",
        "kind = \"value\"\ncadence = \"index\"\npromotion = \"always\"\nfamilies = [\"arima\"]\nhorizon = 2\n",
    );
    let service = Service::start(&mut bench.command("serve --market stream --port 0 --no-schedule"));
    let rows = |periods: std::ops::RangeInclusive<usize>| {
        periods.fold(String::new(), |mut text, t| {
            writeln!(text, "a,{t},{}", 10 + t * t % 11).expect("a string");
            text
        })
    };
    let send = async |body: String| {
        let post = service.client.post(format!("{}/ingest", service.address)).bearer_auth(TOKEN).body(body);
        let answer = post.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("text"));
        (status, serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)))
    };
    assert!(service.get("/stream").await.1.contains("Nothing has arrived yet"));
    let unknown =
        service.client.post(format!("{}/ingest", service.address)).body("a,1,1").send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    let (status, told) = send(rows(1..=60) + "a,soon,1\n").await;
    assert_eq!(
        (status, &told["counts"]["waiting"], &told["counts"]["refused"]),
        (StatusCode::OK, &json!(60), &json!(1))
    );
    assert_eq!(told["rows"][0], json!({ "outcome": "waiting" }));
    assert!(told["rows"][60]["reason"].as_str().is_some_and(|reason| reason.contains("'soon' is no date")), "{told}");
    let (_, started) = service.post("/runs", &Value::Null).await;
    service.closed(started["run"].as_str().expect("a run")).await;

    // The page follows: what it is told has the rows that came since.
    let mut following =
        service.client.get(format!("{}/stream/events", service.address)).send().await.expect("an answer");
    assert_eq!(following.headers()["content-type"], "text/event-stream");
    let first = following.chunk().await.expect("reads").expect("the tables");
    assert!(String::from_utf8_lossy(&first).contains("data: "));
    let body = "[{\"series\": \"a\", \"ds\": 61, \"y\": 12.5}, {\"series\": \"a\", \"ds\": 62, \"y\": 13.5}]";
    let (_, told) = send(body.to_owned()).await;
    assert_eq!(told["rows"], json!([{ "outcome": "advanced" }, { "outcome": "advanced" }]));
    let answer = service.json("/forecast/A").await;
    assert_eq!(
        (&answer["origin"], &answer["streamed"], &answer["horizons"][0]["date"]),
        (&json!("62"), &json!(2), &json!("63"))
    );
    let mut seen = String::new();
    while !seen.contains("13.50") {
        let chunk = tokio::time::timeout(Duration::from_secs(20), following.chunk()).await.expect("in time");
        seen.push_str(&String::from_utf8_lossy(&chunk.expect("reads").expect("the tables")));
    }
    let metrics = service.get("/metrics").await.1;
    for line in [
        "closing_bell_rows_total{source=\"http\",outcome=\"advanced\"} 2",
        "closing_bell_run_tickers{status=\"done\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{metrics}");
    }
    assert_eq!(send(body.to_owned()).await.1["counts"]["repeated"], 2, "sent again");
    // Who is still sending when it is refused may find the connection closed before the answer.
    let too_much = async || {
        let post = service.client.post(format!("{}/ingest", service.address)).bearer_auth(TOKEN);
        post.body("x".repeat(5 << 20)).send().await.map(|answer| answer.status())
    };
    let mut refused = too_much().await;
    for _ in 0..20 {
        if refused.is_ok() {
            break;
        }
        refused = too_much().await;
    }
    assert_eq!(refused.expect("an answer"), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send("a,1,1\n".repeat(20_001)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(String::new()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send("[1, 2".to_owned()).await.1["counts"]["refused"], 1, "kept aside");
    let said = service.stop();
    assert!(!said.contains("cut off"), "a page that is open ends: {said}");
}

/// Names that are not its own, what another site sends, and tokens that are none.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in() {
    let bench = Bench::new();
    let short = bench.command("serve --port 0").env("CLOSING_BELL_TOKEN", "x").output().expect("starts");
    let said = String::from_utf8_lossy(&short.stderr);
    assert!(
        short.status.code() == Some(2) && said.contains("it could be guessed") && !said.contains("token x"),
        "{said}"
    );

    let service = Service::start(&mut bench.command("serve --market recorded --port 0 --host Bell.example"));
    let called = async |host: &str| {
        let answer = service.client.get(format!("{}/healthz", service.address)).header("host", host).send().await;
        let answer = answer.expect("an answer");
        (answer.status(), answer.text().await.expect("text"))
    };
    for own in ["localhost:8017", "127.0.0.1", "bell.example"] {
        assert_eq!(called(own).await.0, StatusCode::OK, "{own}");
    }
    let (status, problem) = called("evil.example:8017").await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(problem.contains("start it with --host evil.example"), "{problem}");

    let from = async |name: &str, value: &str| {
        let post = service.client.post(format!("{}/runs", service.address)).bearer_auth(TOKEN).header(name, value);
        post.body("{\"as_of\": \"2099-01-02\"}").send().await.expect("an answer").status()
    };
    assert_eq!(from("origin", "http://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(from("sec-fetch-site", "cross-site").await, StatusCode::FORBIDDEN);
    assert_eq!(from("origin", &service.address).await, StatusCode::CONFLICT, "its own page may");

    // Whoever guesses waits, and is told of.
    let guesses = (0..20).map(|n| {
        let guess = service.client.post(format!("{}/ingest", service.address)).bearer_auth(format!("guess-{n}"));
        async { guess.send().await.expect("an answer").status() }
    });
    let begun = Instant::now();
    let answers = futures::future::join_all(guesses).await;
    assert!(answers.iter().all(|status| *status == StatusCode::UNAUTHORIZED));
    assert!(begun.elapsed() > Duration::from_secs(2), "eight in a second");
    let said = service.stop();
    assert!(said.contains("a token is missing or wrong") && !said.contains("guess-"), "{said}");
}

/// Connections that nobody uses keep nobody out, although there are more than files may be open at first.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections() {
    let bench = Bench::new();
    let serve = bench.command("serve --market recorded --port 0 --no-schedule");
    let mut limited = Command::new("prlimit");
    limited.arg("--nofile=300:4096").arg(serve.get_program()).args(serve.get_args());
    limited.current_dir(serve.get_current_dir().expect("a folder"));
    let service = Service::start(&mut limited);
    let address = service.address.trim_start_matches("http://").to_owned();
    let idle: Vec<std::net::TcpStream> =
        (0..600).map(|_| std::net::TcpStream::connect(&address).expect("connects")).collect();
    let begun = Instant::now();
    assert_eq!(service.get("/healthz").await.0, StatusCode::OK);
    let (_, started) = service.post("/runs", &json!({ "tickers": ["KO"] })).await;
    service.closed(started["run"].as_str().expect("a run")).await;
    assert_eq!(service.json("/forecast/KO").await["origin"], "2020-12-11");
    assert!(begun.elapsed() < Duration::from_secs(50), "it did not wait for them to be closed");
    drop(idle);
    service.stop();
}

/// A night that cannot even begin is told to who asked, and the service goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_cannot_begin() {
    let bench = Bench::new();
    bench.prices("prices", &["KO"], "2020-12-10");
    let service = Service::start(&mut bench.command("serve --market csv:prices --port 0"));
    std::fs::rename(bench.path("prices"), bench.path("gone")).expect("moves");
    let (status, problem) = service.post("/runs", &json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("prices cannot be read")), "{problem}");
    std::fs::rename(bench.path("gone"), bench.path("prices")).expect("moves back");
    let (status, started) = service.post("/runs", &json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{started}");
    let entry = service.closed(started["run"].as_str().expect("a run")).await;
    assert_eq!(entry["closure"]["status"], "succeeded");
    let said = service.stop();
    assert!(said.contains("Nights begin at 17:00 America/New_York on MON-FRI"), "{said}");
}

/// What cannot be served says so, and ends with status 2.
#[test]
fn refusals() {
    let bench = Bench::new();
    let check = |toml: &str, expected: &str| {
        bench.write("closing-bell.toml", toml);
        let finished = bench.run("serve --market recorded --port 0");
        let finished = finished.expect(2);
        assert_eq!(finished.out, "", "{toml}");
        assert!(finished.err.contains(expected), "{toml}: {}", finished.err);
        bench.run("check").expect(2);
    };
    check("[schedule]\ntime_zone = \"Nowhere/At_All\"", "schedule.time_zone");
    check("[schedule]\nat = \"25:00\"", "schedule.at is '25:00'");
    check("[webhook]\nurl = \"http://hooks.slack.com/x\"", "webhook.url is not https");
}

type Heard = Arc<Mutex<Vec<Value>>>;

async fn hear(State(heard): State<Heard>, Json(message): Json<Value>) {
    heard.lock().expect("no panic").push(message);
}

/// A night that was due while nothing ran is told once, at the next start, and so is the end of each run.
#[tokio::test(flavor = "multi_thread")]
async fn a_missed_night_is_told_once() {
    let heard = Heard::default();
    let router = Router::new().route("/chat", post(hear)).with_state(heard.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let chat = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });

    let bench = Bench::new();
    let toml = format!(
        "watchlist = [\"KO\"]\nretries = {{ delay = \"0s\" }}\n[webhook]\nurl = \"http://{chat}/chat\"\nhosts = [\"127.0.0.1\"]\non_start = true\n"
    );
    bench.write("closing-bell.toml", &toml);
    // Nobody listens there: the run ends with a failure, and is on record.
    let command = |arguments: &str| {
        let mut command = bench.command(arguments);
        command.env("TIINGO_API_KEY", "feedfacefeedfacefeedfacefeedfacefeedface");
        command.env("TIINGO_BASE_URL", "http://127.0.0.1:9");
        command
    };
    let first = tokio::task::spawn_blocking({
        let mut run = command("run --as-of 2020-12-11");
        move || run.output().expect("runs")
    });
    assert_eq!(first.await.expect("no panic").status.code(), Some(1));
    for _ in 0..2 {
        let service = Service::start(&mut command("serve --port 0"));
        let begun = Instant::now();
        while heard.lock().expect("no panic").len() < 3 && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        service.stop();
    }
    let heard = heard.lock().expect("no panic").clone();
    let events: Vec<&str> = heard.iter().filter_map(|message| message["event"].as_str()).collect();
    assert_eq!(events, ["started", "closed", "no_run"], "{heard:?}");
    assert_eq!((&heard[1]["status"], &heard[1]["failed"]), (&json!("failed"), &json!(1)));
    let headline = heard[2]["headline"].as_str().expect("a headline");
    assert!(headline.contains("the last one was as of 2020-12-11"), "{headline}");
}

/// Hours that passed while the service was away are runs of their own, before the newest.
#[tokio::test(flavor = "multi_thread")]
async fn missed_hours_are_made_up_for() {
    let bench = Bench::new();
    let mut table = "unique_id,ds,y\n".to_owned();
    for hour in 0..40 {
        let at = format!("2024-01-0{}T{:02}:00Z", 1 + hour / 24, hour % 24);
        writeln!(table, "pump,{at},{}", 5.0 + f64::from(hour % 7)).expect("a string takes every write");
    }
    bench.write("pump.csv", &table);
    bench.write(
        "closing-bell.toml",
        "kind = \"value\"\nseason = 1\nfamilies = [\"ets\"]\n[schedule]\ncron = \"0 0 1 1 *\"\ncatch_up = true\n",
    );
    bench.run("run --market csv:pump.csv --as-of 2024-01-02T12:00Z").expect(0);
    let service = Service::start(&mut bench.command("serve --market csv:pump.csv --port 0"));
    let begun = Instant::now();
    let runs = loop {
        let runs = service.json("/runs").await;
        if runs[0]["as_of"] == "2024-01-02T15:00Z" && runs[0]["status"] == "succeeded" {
            break runs;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "nothing is made up for: {runs}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let held = |run: &Value| format!("{} {}", run["as_of"], run["trigger"]).replace('"', "");
    let held: Vec<String> = runs.as_array().expect("runs").iter().map(held).collect();
    let expected = ["15:00Z schedule", "14:00Z backfill", "13:00Z backfill", "12:00Z manual"];
    assert_eq!(held, expected.map(|run| format!("2024-01-02T{run}")));
    let said = service.stop();
    assert!(said.contains("Nights begin at '0 0 1 1 *' America/New_York"), "{said}");
}

#[test]
fn pictures_into_files() {
    let bench = Bench::new();
    bench.run("run --ticker KO").expect(0);
    bench.run("plot KO").expect(0);
    let drawn = bench.run("plot KO --residuals --dark --out dark.svg --json").expect(0);
    assert_eq!(drawn.json()["file"], "dark.svg");
    assert_eq!(&std::fs::read(bench.path("KO.png")).expect("drawn")[1..4], b"PNG");
    assert!(std::fs::read_to_string(bench.path("dark.svg")).expect("drawn").contains("Ljung-Box"));
    for (arguments, code) in [("plot KO --out KO.gif", 2), ("plot NOBODY", 1), ("plot KO --out none/KO.png", 1)] {
        bench.run(arguments).expect(code);
    }
}
