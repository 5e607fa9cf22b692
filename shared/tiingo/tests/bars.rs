//! Bars of crypto currencies, currencies and shares within the day, from a server with Tiingo's oddities: each interface keeps so many rows
//! of a range and drops the others without a word, crypto the newest, IEX the oldest; crypto wraps its bars; currencies have flat bars on
//! weekends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::Uri,
    response::{IntoResponse, Response},
};
use forecasting::{Cadence, Row, Stamp};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, date},
};
use pipeline::{Error, MarketData};
use serde_json::{Value, json};
use tiingo::{Client, Feed, Settings, Token};

type Requests = Arc<Mutex<Vec<String>>>;

/// Whatever begins between two dates, a bar each step, weekends included.
async fn answer(State(asked): State<Requests>, uri: Uri, Query(query): Query<BTreeMap<String, String>>) -> Response {
    asked.lock().expect("no panic").push(uri.to_string());
    let midnight = |name: &str| format!("{}T00:00:00Z", query[name]).parse::<Timestamp>().expect("a date");
    let step = match query["resampleFreq"].as_str() {
        "1hour" => SignedDuration::from_hours(1),
        _ => SignedDuration::from_hours(24),
    };
    let bars = std::iter::successors(Some(midnight("startDate")), |at| at.checked_add(step).ok());
    let bars: Vec<Timestamp> = bars.take_while(|at| *at <= midnight("endDate")).collect();
    let price = |at: &Timestamp| 100.0 + (at.as_second() / 3600 % 97) as f64;
    let bar =
        |at: &Timestamp| json!({ "date": at.to_string(), "open": 1.0, "high": 2.0, "low": 0.5, "close": price(at) });
    let newest = |most: usize| &bars[bars.len().saturating_sub(most)..];
    match uri.path() {
        "/tiingo/crypto/prices" => {
            let oldest = &bars[..bars.len().min(5000)];
            let pair = json!({ "ticker": query["tickers"], "baseCurrency": "btc", "quoteCurrency": "usd",
                "priceData": oldest.iter().map(bar).collect::<Vec<Value>>() });
            Json(json!([pair])).into_response()
        }
        "/tiingo/fx/eurusd/prices" => Json(newest(10_000).iter().map(bar).collect::<Vec<Value>>()).into_response(),
        "/iex/aapl/prices" => include_str!("recorded/iex_30min.json").into_response(),
        _ => (axum::http::StatusCode::NOT_FOUND, Json(json!({ "detail": "Not found." }))).into_response(),
    }
}

async fn history(feed: Feed, ticker: &str, from: Date, to: &str) -> (Result<Vec<Row>, Error>, Vec<String>) {
    let asked = Requests::default();
    let app = Router::new().fallback(answer).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let settings = Settings { base_url, feed, requests_per_hour: None, ..Settings::default() };
    let client = Client::new(&Token::new("0123456789abcdef0123456789abcdef01234567").expect("a token"), settings);
    let (ticker, to) = (ticker.parse().expect("a ticker"), to.parse().expect("a stamp"));
    let history = client.expect("a client").history(&ticker, from, to).await;
    (history.map(|history| history.rows), asked.lock().expect("no panic").clone())
}

fn cadence(text: &str) -> Cadence {
    text.parse().expect("a cadence")
}

/// A year of hours is more than one answer holds: none is missing, none is there twice, none is later than asked for.
#[tokio::test]
async fn hours_of_a_crypto_currency() {
    let feed = Feed::Crypto(cadence("1hour"));
    let (rows, asked) = history(feed, "BTCUSD", date(2023, 1, 1), "2024-01-01T10:00Z").await;
    let rows = rows.expect("rows");
    assert_eq!(rows.len(), 365 * 24 + 11);
    assert!(
        rows.windows(2)
            .all(|pair| cadence("1hour").period(pair[0].date).expect("a bar").next().stamp() == pair[1].date)
    );
    assert_eq!(rows[rows.len() - 1].date.to_string(), "2024-01-01T10:00Z");
    assert_eq!(
        asked[0],
        "/tiingo/crypto/prices?tickers=btcusd&startDate=2023-01-01&endDate=2023-06-16&resampleFreq=1hour"
    );
    assert_eq!(asked.len(), 3);
}

/// Over a weekend too; adjusted for nothing.
#[tokio::test]
async fn days_of_a_crypto_currency() {
    let (rows, _) = history(Feed::Crypto(Cadence::DAY), "BTCUSD", date(2024, 1, 5), "2024-01-08").await;
    let rows = rows.expect("rows");
    let days: Vec<String> = rows.iter().map(|row| row.date.to_string()).collect();
    assert_eq!(days, ["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"]);
    assert!(rows.iter().all(|row| row.close == row.adjusted_close && row.close.is_some()));
}

#[tokio::test]
async fn flat_bars_of_a_weekend_are_none() {
    let (rows, _) = history(Feed::Fx(cadence("1day@24x5")), "EURUSD", date(2024, 1, 4), "2024-01-09").await;
    let days: Vec<String> = rows.expect("rows").iter().map(|row| row.date.to_string()).collect();
    assert_eq!(days, ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]);
}

/// As it was recorded: the bars of one session and the beginning of others.
#[tokio::test]
async fn bars_of_a_share_within_the_day() {
    let feed = Feed::Iex(cadence("30min@XNYS"));
    let (rows, asked) = history(feed, "AAPL", date(2018, 1, 2), "2018-01-02T21:00Z").await;
    let rows = rows.expect("rows");
    assert_eq!(rows[0].date, "2018-01-02T14:30Z".parse::<Stamp>().expect("a stamp"));
    assert_eq!(rows.len(), 13, "from 9:30 to 16:00 in New York");
    assert_eq!(rows[0].adjusted_close, Some(1061.91));
    assert!(
        asked[0].starts_with("/iex/aapl/prices?startDate=2018-01-02&endDate=2018-01-03&resampleFreq=30min&columns=")
    );
    let (rows, _) = history(Feed::Iex(cadence("1hour")), "NOBODY", date(2018, 1, 2), "2018-01-02T21:00Z").await;
    assert!(matches!(rows, Err(Error::UnknownTicker { .. })), "{rows:?}");
    // Bars of another cadence than was asked for are not taken for it.
    let (rows, _) = history(Feed::Iex(cadence("2hour@XNYS")), "AAPL", date(2018, 1, 2), "2018-01-05").await;
    assert!(matches!(rows, Err(Error::RefusedData { .. })), "{rows:?}");
}
