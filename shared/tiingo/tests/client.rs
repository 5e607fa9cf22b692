//! The client against a local server that plays Tiingo's recorded answers, and worse.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use forecasting::Ticker;
use jiff::civil::date;
use pipeline::{Error, History, MarketData};
use tiingo::{Client, Settings, Token};

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

/// A server that gives these answers, the last one for ever, and notes what it was asked.
struct Server {
    address: String,
    asked: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

async fn serve(answers: Vec<fn() -> Response>) -> Server {
    let asked = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (count, log) = (asked.clone(), requests.clone());
    let app = Router::new().fallback(move |request: Request| {
        let place = count.fetch_add(1, Ordering::SeqCst);
        let token = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        log.lock().expect("no test panics here").push((request.uri().to_string(), token.to_owned()));
        let answer = answers[place.min(answers.len() - 1)];
        async move { answer() }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server { address, asked, requests }
}

fn settings(server: &Server) -> Settings {
    Settings {
        base_url: server.address.clone(),
        first_pause: Duration::from_millis(5),
        timeout: Duration::from_millis(400),
        ..Settings::default()
    }
}

async fn ask(settings: Settings) -> Result<History, Error> {
    let client = Client::new(&Token::new(TOKEN).expect("a token"), settings).expect("a client");
    let ticker: Ticker = "GOOGL".parse().expect("a ticker");
    client.history(&ticker, date(2015, 1, 1), date(2015, 1, 5).into()).await
}

fn history() -> Response {
    include_str!("recorded/history.json").into_response()
}

#[tokio::test]
async fn asks_as_documented_and_keeps_the_token_in_its_header() {
    let server = serve(vec![history]).await;
    let history = ask(settings(&server)).await.expect("a history");
    assert_eq!(history.rows.len(), 2);
    assert_eq!(history.rows[1].adjusted_close, Some(519.46));
    assert!(history.read_at.is_some());
    let requests = server.requests.lock().expect("no panic");
    let (uri, token) = &requests[0];
    assert_eq!(uri, "/tiingo/daily/GOOGL/prices?startDate=2015-01-01&endDate=2015-01-05&format=json");
    assert_eq!(token, &format!("Token {TOKEN}"));
}

#[tokio::test]
async fn rows_beyond_the_range_are_dropped() {
    // The answer to a call without dates: one row of 2018.
    let server = serve(vec![|| include_str!("recorded/latest.json").into_response()]).await;
    assert!(ask(settings(&server)).await.expect("no error").rows.is_empty());
}

#[tokio::test]
async fn csv_and_empty_lists() {
    let server = serve(vec![|| include_str!("recorded/history.csv").into_response()]).await;
    assert_eq!(ask(settings(&server)).await.expect("a history").rows.len(), 2);
    let server = serve(vec![|| include_str!("recorded/empty.json").into_response()]).await;
    assert!(ask(settings(&server)).await.expect("no error").rows.is_empty());
}

/// Each error, how often it is asked again for, and whether a later run may succeed.
#[tokio::test]
async fn errors() {
    async fn check(answer: fn() -> Response, expected: fn(&Error) -> bool, asked: usize, transient: bool) {
        let server = serve(vec![answer]).await;
        let error = ask(settings(&server)).await.expect_err("an error");
        assert!(expected(&error), "{error:?}");
        assert_eq!(server.asked.load(Ordering::SeqCst), asked, "{error}");
        assert_eq!(error.is_transient(), transient, "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains(&TOKEN[..8]), "the token is in '{text}'");
        assert!(!error.to_string().contains('\n'), "more than one line: '{error}'");
    }
    let unknown = |error: &Error| matches!(error, Error::UnknownTicker { .. });
    let quota = |error: &Error| matches!(error, Error::QuotaExceeded { .. });
    let unavailable = |error: &Error| matches!(error, Error::MarketUnavailable { .. });
    let refused = |error: &Error| matches!(error, Error::RefusedData { .. });
    let unauthorized = |error: &Error| matches!(error, Error::Unauthorized { .. });

    let not_found = || (StatusCode::NOT_FOUND, include_str!("recorded/unknown_ticker_404.json")).into_response();
    check(not_found, unknown, 1, false).await;
    check(|| include_str!("recorded/unknown_ticker_200.txt").into_response(), unknown, 1, false).await;
    check(|| include_str!("recorded/not_found.json").into_response(), unknown, 1, false).await;
    let hourly = || (StatusCode::TOO_MANY_REQUESTS, include_str!("recorded/hourly_limit_429.json")).into_response();
    check(hourly, quota, 1, true).await;
    check(|| include_str!("recorded/hourly_limit_200.txt").into_response(), quota, 1, true).await;
    check(|| include_str!("recorded/monthly_symbols_200.txt").into_response(), quota, 1, false).await;
    check(|| StatusCode::UNAUTHORIZED.into_response(), unauthorized, 1, false).await;
    check(|| include_str!("recorded/volume_only.json").into_response(), refused, 1, false).await;
    // A server that quotes the request.
    let echo =
        || (StatusCode::UNAUTHORIZED, format!("{{\"detail\":\"Invalid token: Token {TOKEN}\"}}")).into_response();
    check(echo, unauthorized, 1, false).await;
    // Three retries, then it stays unavailable.
    check(|| StatusCode::BAD_GATEWAY.into_response(), unavailable, 4, true).await;
    check(|| "<html>maintenance</html>".into_response(), unavailable, 4, true).await;
    check(|| (StatusCode::NOT_FOUND, "<html>404</html>").into_response(), unavailable, 4, true).await;
    check(|| include_str!("recorded/history.json")[..200].into_response(), unavailable, 4, true).await;
    check(|| vec![0xff, 0xfe, 0x00].into_response(), unavailable, 4, true).await;
    // The token does not follow a redirect.
    check(|| Redirect::temporary("http://127.0.0.1:9/elsewhere").into_response(), unavailable, 4, true).await;
}

#[tokio::test]
async fn a_passing_failure_is_survived() {
    let server = serve(vec![|| StatusCode::SERVICE_UNAVAILABLE.into_response(), history]).await;
    assert_eq!(ask(settings(&server)).await.expect("a history").rows.len(), 2);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_on() {
    let hang = || Body::from_stream(futures_like_never()).into_response();
    let server = serve(vec![hang]).await;
    let start = Instant::now();
    let error = ask(settings(&server)).await.expect_err("a time-out");
    assert!(matches!(error, Error::MarketUnavailable { .. }), "{error:?}");
    // Four attempts of 0.4 s and three short pauses; generous, because the machine may be busy.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(server.asked.load(Ordering::SeqCst), 4);
}

/// A night of a thousand tickers does not wait a thousand times.
#[tokio::test]
async fn a_silent_server_is_left_alone() {
    let hang = || Body::from_stream(futures_like_never()).into_response();
    let server = serve(vec![hang]).await;
    let settings = Settings { timeout: Duration::from_millis(100), requests_per_hour: None, ..settings(&server) };
    let client = Client::new(&Token::new(TOKEN).expect("a token"), settings).expect("a client");
    for n in 0..50 {
        let ticker: Ticker = format!("T{n}").parse().expect("a ticker");
        let error = client.history(&ticker, date(2015, 1, 1), date(2015, 1, 5).into()).await.expect_err("silence");
        assert!(error.is_transient(), "{error:?}");
    }
    assert_eq!(server.asked.load(Ordering::SeqCst), 8);
}

/// A body that never ends and never says anything.
fn futures_like_never() -> impl futures::Stream<Item = Result<Vec<u8>, std::io::Error>> + Send + 'static {
    futures::stream::pending()
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless = || {
        let chunk = || Ok::<_, std::io::Error>(vec![b' '; 1 << 20]);
        Body::from_stream(futures::stream::repeat_with(chunk)).into_response()
    };
    let server = serve(vec![endless]).await;
    let patient = Settings { timeout: Duration::from_secs(30), retries: 0, ..settings(&server) };
    let error = ask(patient).await.expect_err("too large").to_string();
    assert!(error.contains("larger than 32 MB"), "{error}");
}

#[tokio::test]
async fn the_plans_quota_is_kept() {
    let server = serve(vec![history]).await;
    let settings = Settings { requests_per_hour: Some(2), ..settings(&server) };
    let client = Client::new(&Token::new(TOKEN).expect("a token"), settings).expect("a client");
    let ticker: Ticker = "GOOGL".parse().expect("a ticker");
    let mut refused = 0;
    for _ in 0..5 {
        refused += usize::from(client.history(&ticker, date(2015, 1, 1), date(2015, 1, 5).into()).await.is_err());
    }
    // At most two an hour; four if the clock struck in between.
    let asked = server.asked.load(Ordering::SeqCst);
    assert!((2..=4).contains(&asked), "{asked} requests");
    assert_eq!(asked + refused, 5);
}

#[test]
fn where_a_token_may_go() {
    let token = Token::new(TOKEN).expect("a token");
    let at = |base_url: &str| Client::new(&token, Settings { base_url: base_url.to_owned(), ..Settings::default() });
    assert!(at("https://api.tiingo.com").is_ok());
    assert!(at("http://127.0.0.1:8080").is_ok());
    for refused in ["http://api.tiingo.com", "ftp://127.0.0.1", "nonsense", "http://127.0.0.1.example.com"] {
        let error = at(refused).expect_err(refused);
        assert!(!error.contains(TOKEN), "{error}");
    }
    assert!(Token::new(" ").is_err());
    assert!(Token::new("a b").is_err() && Token::new("a\nb").is_err());
    assert_eq!(format!("{token:?}"), "Token(..)");
    let client = at("https://api.tiingo.com").expect("a client");
    assert!(!format!("{client:?}").contains(TOKEN), "the client's debug text holds the token");
}
