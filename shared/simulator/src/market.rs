//! What nights and rows are about: made up, and the same in every seed, so that only what befalls them differs.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use forecasting::{Cadence, Period, Row, Stamp, Ticker};
use jiff::{SignedDuration, Timestamp, civil::Date};
use pipeline::{
    Assignment, Error, History, Market, MarketData, Settings,
    stream::{Arrival, Format, Message, Offset, Position, Refused, read},
};

/// Sessions before the first night, and its own.
const HISTORY: usize = 130;
/// No seed has more nights.
pub(crate) const MAX_NIGHTS: usize = 4;
/// Periods of the stream before the first night.
const FIRST_ROWS: u64 = 40;
/// New periods of it each day.
const ROWS_A_DAY: u64 = 2;

/// A ticker that is forecast, one whose bar is published late, and one that is never a price history.
pub(crate) const TICKERS: [&str; 3] = ["GOOD", "LATE", "BAD"];
/// The series of the stream.
pub(crate) const STREAMED: &str = "ROWS";
/// Where its rows come from.
pub(crate) const SOURCE: &str = "kafka:rows";

pub(crate) fn ticker(name: &str) -> Ticker {
    name.parse().expect("a ticker")
}

fn random(t: u64, salt: u64) -> f64 {
    let hash = (t * 1_000_003 + salt).wrapping_mul(6_364_136_223_846_793_005).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// All sessions up to the last night's.
fn sessions() -> &'static [Period] {
    static SESSIONS: OnceLock<Vec<Period>> = OnceLock::new();
    SESSIONS.get_or_init(|| {
        let first: Period = Cadence::SESSION.period(jiff::civil::date(2019, 1, 2).into()).expect("a session");
        std::iter::successors(Some(first), |day| Some(day.next())).take(HISTORY + MAX_NIGHTS).collect()
    })
}

/// The session of a night, and the last period of the stream that it may know.
pub(crate) fn as_of(night: usize) -> (Date, Stamp) {
    (sessions()[HISTORY - 1 + night].date(), Stamp::Index(rows_until(night)))
}

fn rows_until(night: usize) -> u64 {
    FIRST_ROWS + ROWS_A_DAY * night as u64
}

/// The nights' configurations: of the market, and of the stream.
pub(crate) fn assignments() -> (Assignment, Assignment) {
    let common = "families = [\"ets\"]\npromotion = \"always\"\nhorizon = 3\n";
    let prices = Settings::parse(&format!("start = 2019-01-01\n{common}")).expect("reads");
    let rows = Settings::parse(&format!("kind = \"value\"\ncadence = \"index\"\n{common}")).expect("reads");
    (
        prices.assignment(Market::Csv, TICKERS.map(ticker).to_vec()),
        rows.assignment(Market::Stream, vec![ticker(STREAMED)]),
    )
}

/// The source of bars. GOOD pays a dividend on the third night's session; LATE's bar is not there when it is asked for first.
#[derive(Default)]
pub(crate) struct Bars {
    asked: Mutex<BTreeSet<Stamp>>,
}

fn closes(salt: u64) -> Vec<f64> {
    let mut log: f64 = 4.0;
    (0..sessions().len() as u64)
        .map(|t| {
            log += 0.03 * (random(t, salt) - 0.5) - 0.02 * (log - 4.0);
            log.exp()
        })
        .collect()
}

#[async_trait]
impl MarketData for Bars {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        let name = ticker.as_str();
        if name == "BAD" {
            return Err(Error::RefusedData { ticker: ticker.clone(), reason: "it is no price history".to_owned() });
        }
        let salt = u64::from(name.as_bytes()[0]);
        let closes = closes(salt);
        let known: Vec<(usize, &Period)> = sessions().iter().enumerate().filter(|(_, day)| day.stamp() <= to).collect();
        let paid = (name == "GOOD" && known.len() > HISTORY + 1).then_some(HISTORY + 1);
        let row = |&(t, day): &(usize, &Period)| {
            let adjustment = paid.filter(|paid| t < *paid).map_or(1.0, |paid| 1.0 - 0.5 / closes[paid - 1]);
            Row {
                open: Some(closes[t]),
                high: Some(closes[t] * 1.01),
                low: Some(closes[t] * 0.99),
                close: Some(closes[t]),
                volume: Some(1000.0),
                adjusted_close: Some(closes[t] * adjustment),
                dividend: Some(if paid == Some(t) { 0.5 } else { 0.0 }),
                split_factor: Some(1.0),
                ..Row::new(t + 1, *day)
            }
        };
        let mut rows: Vec<Row> = known.iter().filter(|(_, day)| day.date() >= from).map(row).collect();
        if name == "LATE" && self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(to) {
            rows.pop();
        }
        let read_at = to.date().map(|day| moment(day) + SignedDuration::from_hours(30));
        Ok(History { rows, read_at, ahead: Vec::new(), closes_alone: false })
    }

    async fn rejected(&self, ticker: &Ticker) -> Option<(String, Vec<u8>)> {
        (ticker.as_str() == "BAD").then(|| ("bad.csv".to_owned(), b"%PDF-1.4".to_vec()))
    }
}

fn moment(day: Date) -> Timestamp {
    format!("{day}T00:00:00Z").parse().expect("a moment")
}

/// The topic as it is when a night begins: rows in their order, of which some come twice, some are corrected, and some are none.
pub(crate) fn topic(night: usize) -> Vec<Result<Arrival, Refused>> {
    let mut bodies = Vec::new();
    for t in 1..=rows_until(night) {
        let value = |t: u64| (1e5 + 1e4 * (t as f64 / 5.0).sin() + 4e3 * random(t, 7)).round() / 1e3;
        bodies.push(format!("{STREAMED},{t},{}", value(t)));
        if t % 5 == 0 {
            bodies.push(format!("{STREAMED},{t},{}", value(t)));
        }
        if t % 7 == 0 {
            bodies.push(format!("{STREAMED},{},{}", t - 1, value(t - 1) + 1.0));
        }
        if t % 9 == 0 {
            bodies.push(format!("{STREAMED},{t},garbage {t}"));
        }
    }
    let read_one = |(offset, body): (usize, &String)| {
        let position = Position {
            source: SOURCE.to_owned(),
            partition: 0,
            offset: Offset::from(i64::try_from(offset).unwrap_or(0)),
        };
        let known = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(offset).unwrap_or(0));
        read(Format::Csv, &Message { key: None, body: body.as_bytes(), position: Some(position), known })
    };
    bodies.iter().enumerate().map(read_one).collect()
}

/// Rows that are none, as they came.
pub(crate) fn garbage(night: usize) -> Vec<String> {
    topic(night).into_iter().filter_map(|row| row.err().map(|refused| refused.row)).collect()
}

/// For one seed.
pub(crate) fn bars() -> Arc<dyn MarketData> {
    Arc::new(Bars::default())
}
