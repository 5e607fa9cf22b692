//! Nights on a server that answers as Tiingo does: what is asked for, when everything is asked for again, and where the
//! token goes.

mod support;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::{Bench, Finished};

const TOKEN: &str = "feedfacefeedfacefeedfacefeedfacefeedface";

/// One row as Tiingo gives it.
#[derive(Clone)]
struct Quote {
    date: String,
    close: f64,
    adjusted_close: f64,
    dividend: f64,
    split_factor: f64,
}

/// What the server knows, and what it was asked.
#[derive(Default)]
struct Market {
    quotes: BTreeMap<String, Vec<Quote>>,
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Market>>;

async fn prices(State(market): State<Shared>, uri: Uri, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let mut market = market.lock().expect("no panic");
    market.asked.push(uri.to_string());
    let ticker = uri.path().split('/').nth(3).expect("a ticker").to_owned();
    let Some(quotes) = market.quotes.get(&ticker) else {
        let detail = format!("Error: Ticker '{ticker}' not found");
        return (StatusCode::NOT_FOUND, Json(json!({ "detail": detail }))).into_response();
    };
    let rows: Vec<Value> = quotes
        .iter()
        .filter(|q| query["startDate"] <= q.date && q.date <= query["endDate"])
        .map(|q| {
            json!({ "date": format!("{}T00:00:00.000Z", q.date), "close": q.close, "adjClose": q.adjusted_close,
                    "divCash": q.dividend, "splitFactor": q.split_factor, "volume": 1000, "adjVolume": 1000 })
        })
        .collect();
    Json(rows).into_response()
}

/// A bar a step, of whatever pair.
async fn crypto(State(market): State<Shared>, uri: Uri, Query(query): Query<BTreeMap<String, String>>) -> Response {
    market.lock().expect("no panic").asked.push(uri.to_string());
    let midnight = |name: &str| format!("{}T00:00:00Z", query[name]).parse::<Timestamp>().expect("a date");
    let step = SignedDuration::from_hours(if query["resampleFreq"] == "1hour" { 1 } else { 24 });
    let bars = std::iter::successors(Some(midnight("startDate")), |at| at.checked_add(step).ok());
    let end = midnight("endDate").min(Timestamp::now());
    let price = |at: &Timestamp| 100.0 + (at.as_second() / 86_400 % 13) as f64 + (at.as_second() / 3600 % 7) as f64;
    let bars: Vec<Value> =
        bars.take_while(|at| *at <= end).map(|at| json!({ "date": at.to_string(), "close": price(&at) })).collect();
    Json(json!([{ "ticker": query["tickers"], "priceData": bars }])).into_response()
}

/// The newest rows of all series, as the server knows them.
async fn newest(State(market): State<Shared>, uri: Uri) -> Response {
    let mut market = market.lock().expect("no panic");
    market.asked.push(uri.to_string());
    let mut text = "ticker,date,close,volume,adjClose,divCash,splitFactor\n".to_owned();
    for (ticker, quotes) in &market.quotes {
        let Quote { date, close, adjusted_close, dividend, split_factor } = quotes.last().expect("quotes");
        let name = ticker.to_lowercase();
        let _ = writeln!(text, "{name},{date},{close},1000,{adjusted_close},{dividend},{split_factor}");
    }
    text.into_response()
}

struct Server {
    address: String,
    market: Shared,
}

impl Server {
    async fn start() -> Server {
        let market = Shared::default();
        let app = Router::new()
            .route("/tiingo/daily/{ticker}/prices", get(prices))
            .route("/tiingo/daily/prices", get(newest))
            .route("/tiingo/crypto/prices", get(crypto))
            .with_state(market.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { address, market }
    }

    /// The sample's prices of a ticker, from the last dividend on as they were traded.
    fn load(&self, ticker: &str) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sample/{ticker}.csv"));
        let text = fs::read_to_string(sample).expect("the sample");
        let quotes = text
            .lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                let number = |i: usize| fields[i].parse().expect("a price");
                let (close, adjusted_close) = (number(1), number(2));
                Quote { date: fields[0].to_owned(), close, adjusted_close, dividend: 0.0, split_factor: 1.0 }
            })
            .collect();
        self.market.lock().expect("no panic").quotes.insert(ticker.to_owned(), quotes);
    }

    fn change(&self, ticker: &str, change: impl Fn(&mut Quote)) {
        let mut market = self.market.lock().expect("no panic");
        market.quotes.get_mut(ticker).expect("loaded").iter_mut().for_each(change);
    }

    /// First dates of the requests since the last call.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.market.lock().expect("no panic").asked);
        let start = |uri: &String| uri.split("startDate=").nth(1).map(|rest| rest[..10].to_owned());
        assert!(asked.iter().all(|uri| !uri.contains(TOKEN)), "the token is in {asked:?}");
        asked.iter().filter_map(start).collect()
    }

    fn run(&self, bench: &Bench, arguments: &str) -> Finished {
        let mut command = bench.command(arguments);
        command.env("TIINGO_API_KEY", TOKEN).env("TIINGO_BASE_URL", &self.address).env("CLOSING_BELL_LOG", "trace");
        let ended = Finished::of(command.output().expect("starts"));
        assert!(!ended.out.contains(TOKEN) && !ended.err.contains(TOKEN), "the token is printed: {ended:#?}");
        ended
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_alone_unless_history_has_changed() {
    let (server, bench) = (Server::start().await, Bench::new());
    server.load("KO");
    let night = |day: &str| server.run(&bench, &format!("run --set watchlist=[\"KO\"] --as-of {day} --json")).expect(0);

    night("2020-12-04");
    assert_eq!(server.asked(), ["2019-01-01"], "the first night asks for everything");
    night("2020-12-07");
    assert_eq!(server.asked(), ["2020-11-20"], "the next for what is new, and ten sessions' overlap");

    // A dividend on the 8th: every earlier adjusted close is scaled, and the newest row says so.
    let factor = 52.0 / (52.0 + 0.41);
    server.change("KO", |quote| match quote.date.as_str() {
        date if date < "2020-12-08" => quote.adjusted_close *= factor,
        "2020-12-08" => quote.dividend = 0.41,
        _ => {}
    });
    night("2020-12-08");
    assert_eq!(server.asked(), ["2020-11-23", "2019-01-01"], "a dividend");
    night("2020-12-09");
    assert_eq!(server.asked(), ["2020-11-24"]);

    // A correction of a price already stored.
    server.change("KO", |quote| {
        if quote.date == "2020-12-09" {
            quote.close += 0.01;
            quote.adjusted_close += 0.01;
        }
    });
    night("2020-12-10");
    assert_eq!(server.asked(), ["2020-11-25", "2019-01-01"], "a revision");

    // A split, four for one.
    server.change("KO", |quote| match quote.date.as_str() {
        date if date < "2020-12-11" => quote.adjusted_close /= 4.0,
        _ => {
            quote.close /= 4.0;
            quote.adjusted_close /= 4.0;
            quote.split_factor = 4.0;
        }
    });
    night("2020-12-11");
    assert_eq!(server.asked(), ["2020-11-27", "2019-01-01"], "a split");

    // Nothing was promoted because of any of them, and the standing forecasts were scored across them.
    let receipts = bench.run("receipts KO --json").expect(0).json();
    let promotions = receipts.as_array().expect("receipts").iter().filter(|r| r["decision"] == "promote").count();
    assert_eq!(promotions, 1, "the first night's: {receipts}");
    let last =
        bench.ledger("closing-bell-data").into_iter().rfind(|row| row.contains("|evaluate|")).expect("an evaluation");
    let result: Value = serde_json::from_str(last.split('|').nth(5).expect("the result")).expect("JSON");
    let errors: Vec<f64> = result["scores"]
        .as_array()
        .expect("scores")
        .iter()
        .map(|score| score["error"].as_f64().expect("a number"))
        .collect();
    assert_eq!(errors.len(), 5);
    assert!(errors.iter().all(|error| *error < 0.05), "a split is no error of a forecast: {errors:?}");
    // And the forecast reads as a price of after the split.
    let answer = bench.run("predict KO --json").expect(0).json();
    assert!(answer["horizons"][0]["mean"].as_f64().is_some_and(|mean| (10.0..16.0).contains(&mean)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_costs_one_request_a_ticker() {
    let (server, bench) = (Server::start().await, Bench::new());
    server.load("KO");
    server.run(&bench, "backfill --set watchlist=[\"KO\"] --from 2020-12-01 --to 2020-12-04").expect(0);
    assert_eq!(server.asked(), ["2019-01-01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_ticker_fails_alone() {
    let (server, bench) = (Server::start().await, Bench::new());
    server.load("KO");
    bench.write("closing-bell.toml", "watchlist = [\"KO\", \"FB\"]\nstart = 2019-01-01\n");
    let run = server.run(&bench, "run --as-of 2020-12-11 --json").expect(1).json();
    assert_eq!((run["status"].as_str(), run["tickers"][1]["status"].as_str()), (Some("partial"), Some("done")));
    let reason = run["tickers"][0]["reason"].as_str().expect("a reason");
    assert_eq!(reason, "FB: Tiingo answers 404: Error: Ticker 'FB' not found");
    let nobody = server.run(&bench, "run --as-of 2020-12-11 --config missing.toml");
    assert!(nobody.expect(2).err.contains("missing.toml cannot be read"));
    bench.write("closing-bell.toml", "");
    assert!(server.run(&bench, "run --as-of 2020-12-11").expect(2).err.contains("no tickers"));
}

/// Histories that were really pulled twice: what was split or paid a dividend in between is downloaded anew, what was not
/// is extended. The pairs lie beside the project; without them there is nothing to test.
#[tokio::test(flavor = "multi_thread")]
async fn vintages() {
    use std::io::Read as _;

    use embedded::{DirectoryArchive, SqliteLedger};
    use pipeline::{Download, Fetched, Planned, Settings, Trigger, fetch, plan};

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/market/vintages");
    let Ok(index) = fs::read_to_string(folder.join("INDEX.csv")) else {
        eprintln!("no vintages beside the project: skipped, their vendor does not allow to ship them");
        return;
    };
    let server = Server::start().await;
    let token = tiingo::Token::new(TOKEN).expect("a token");
    let settings =
        tiingo::Settings { base_url: server.address.clone(), requests_per_hour: None, ..tiingo::Settings::default() };
    let client = tiingo::Client::new(&token, settings).expect("a client");
    let bench = Bench::new();
    let archive = DirectoryArchive::open(bench.folder.path()).expect("opens");
    let ledger = SqliteLedger::open(&bench.path("ledger.sqlite")).expect("opens");
    let (mut extended, mut anew) = (0, 0);
    for line in index.lines().skip(1) {
        let (ticker, kind) = (line.split(',').next().expect("a ticker"), line.rsplit(',').next().expect("a kind"));
        let mut download = None;
        for day in ["2020-03-24", "2020-12-11"] {
            let mut text = String::new();
            let file = fs::File::open(folder.join(format!("{ticker}.asof{day}.csv.gz"))).expect("the vintage");
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("unpacks");
            let quotes = text.lines().skip(1).filter_map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                let (close, adjusted_close) = (fields[4].parse().ok()?, fields[6].parse().ok()?);
                Some(Quote { date: fields[0].to_owned(), close, adjusted_close, dividend: 0.0, split_factor: 1.0 })
            });
            server.market.lock().expect("no panic").quotes.insert(ticker.to_owned(), quotes.collect());
            let settings = Settings::parse("start = 2016-01-01\nlevels = [80]").expect("reads");
            let assignment = settings.assignment(pipeline::Market::Tiingo, vec![ticker.parse().expect("a ticker")]);
            let ticker = assignment.tickers[0].clone();
            let as_of = day.parse().expect("a date");
            let planned = plan(&archive, &ledger, &assignment, as_of, Trigger::Manual).await.expect("plans");
            let Planned::Open(entry) = planned else { panic!("{planned:?}") };
            let fetched = fetch(&client, &archive, &ledger, &entry.run, &ticker, true).await.expect("fetches");
            let Fetched::Ready(snapshot) = fetched else { panic!("{fetched:?}") };
            download = Some(snapshot.download);
        }
        match (kind, download.expect("two nights")) {
            ("unchanged", Download::Increment) => extended += 1,
            ("split" | "dividend", Download::Full(_)) => anew += 1,
            (_, other) => panic!("{ticker} ({kind}): {other:?}"),
        }
    }
    assert_eq!(extended + anew, 35);
}

/// After the first night, one request tells tonight's rows of all series. Who is due to be compared is asked for by itself, and so is who
/// pays a dividend: the snapshots are those of nights that ask for each.
/// Around the clock, the weekend included: fetched, forecast, and a day later extended by what is new.
#[tokio::test(flavor = "multi_thread")]
async fn days_of_a_crypto_currency() {
    let (server, bench) = (Server::start().await, Bench::new());
    bench.write("closing-bell.toml", "start = 2023-01-01");
    let night = |as_of: &str| {
        server.run(&bench, &format!("run --market tiingo-crypto --set watchlist=[\"BTCUSD\"] --as-of {as_of} --json"))
    };
    night("2024-01-05").expect(0);
    night("2024-01-06").expect(0);
    let forecast = bench.run("predict BTCUSD --json").expect(0).json();
    let dates: Vec<&str> =
        forecast["horizons"].as_array().expect("steps").iter().filter_map(|step| step["date"].as_str()).collect();
    assert_eq!(dates, ["2024-01-07", "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11"]);
    assert_eq!(server.asked(), ["2023-01-01", "2023-12-27"], "everything, and then what is new");
    bench.run("verify BTCUSD").expect(0);
    // Hours of the last days: another cadence is another history.
    let week = Timestamp::now() - SignedDuration::from_hours(7 * 24);
    let start = week.strftime("%Y-%m-%d");
    let hours = server.run(
        &bench,
        &format!("run --market tiingo-crypto --set watchlist=[\"BTCUSD\"] --set cadence=1hour --set start={start}"),
    );
    assert!(hours.expect(0).out.contains("BTCUSD"));
    bench.write("closing-bell.toml", "");
    let refused = server.run(&bench, "run --market tiingo-iex --ticker KO").expect(2);
    assert!(refused.err.contains("start = DATE is needed for bars of 5min@XNYS"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tickers_are_asked_for_at_once() {
    let server = Server::start().await;
    server.load("KO");
    let mut market = server.market.lock().expect("no panic");
    let quotes = market.quotes.remove("KO").expect("loaded");
    let days: Vec<String> = quotes[quotes.len() - 5..].iter().map(|quote| quote.date.clone()).collect();
    market.quotes = (0..30).map(|n| (format!("T{n:02}"), quotes.clone())).collect();
    market.quotes.get_mut("T07").expect("there").last_mut().expect("quotes").dividend = 0.41;
    drop(market);
    let names = (0..30).map(|n| format!("\"T{n:02}\"")).collect::<Vec<_>>().join(", ");
    let together = Bench::new();
    together.write("closing-bell.toml", &format!("start = 2020-06-01\nwatchlist = [{names}]\n"));
    let night =
        |bench: &Bench, day: &str, more: &str| server.run(bench, &format!("run --as-of {day} {more}")).expect(0);
    night(&together, &days[3], "");
    assert_eq!(server.asked().len(), 30, "whole histories");
    night(&together, &days[4], "");
    let asked = std::mem::take(&mut server.market.lock().expect("no panic").asked);
    let (at_once, each): (Vec<&String>, Vec<_>) = asked.iter().partition(|uri| !uri.contains("startDate"));
    assert_eq!(at_once, ["/tiingo/daily/prices?format=csv"]);
    assert!(each.len() < 12 && each.iter().any(|uri| uri.contains("/T07/")), "{each:?}");

    // Twenty and fewer are asked for one by one.
    let apart = Bench::new();
    apart.write("closing-bell.toml", "start = 2020-06-01\n");
    let few: Vec<String> = (0..20).map(|n| format!("\"T{n:02}\"")).collect();
    let few = format!("--set watchlist=[{}] ", few.join(","));
    night(&apart, &days[3], &few);
    night(&apart, &days[4], &few);
    assert!(server.asked().len() > 40);
    let prices = |bench: &Bench| {
        let mut objects = bench.archive("closing-bell-data");
        objects.retain(|key, _| key.starts_with("prices/T0"));
        objects
    };
    assert_eq!(prices(&together), prices(&apart));
}

/// A typo makes neither a run nor a row; a series that is new is asked for once.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_nobody_knows_makes_no_run() {
    let (server, bench) = (Server::start().await, Bench::new());
    server.load("KO");
    let refused = server.run(&bench, "run --ticker K0 --set watchlist=[\"KO\"] --as-of 2020-12-04").expect(2);
    assert!(refused.err.contains("K0 is unknown") && refused.err.contains("did you mean KO?"), "{}", refused.err);
    assert_eq!(server.run(&bench, "runs --json").expect(0).json(), serde_json::json!([]));
    server.asked();
    server.run(&bench, "run --ticker KO --as-of 2020-12-04").expect(0);
    assert_eq!(server.asked(), ["2020-11-04", "2019-01-01"], "whether it is known, and all of it");
    server.run(&bench, "run --ticker KO --as-of 2020-12-07").expect(0);
    assert_eq!(server.asked(), ["2020-11-20"], "it is on record");
}
