//! Bars that are published late, or not at all, while the night waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use embedded::{DirectoryArchive, Night, RecordedMarket, SqliteLedger};
use forecasting::{Stamp, Ticker};
use jiff::{Timestamp, civil::Date};
use pipeline::{Error, History, MarketData, Patience, RunStatus, Settings, Trigger, predict};

/// The recorded market, whose last bar is only there from some ask on, read at half past five of that evening.
struct Evening {
    asks: AtomicUsize,
    there_on: usize,
}

#[async_trait]
impl MarketData for Evening {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        // Only asks for the evening's own bar count; a whole history is not asked for before it is there.
        let ask = if to == from.into() { self.asks.fetch_add(1, Ordering::SeqCst) + 1 } else { self.there_on };
        let mut history = RecordedMarket.history(ticker, from, to).await?;
        if ask < self.there_on || self.there_on == usize::MAX {
            history.rows.retain(|row| row.date < RecordedMarket::LAST_SESSION.into());
        }
        let half_past_five: Timestamp = "2020-12-11T22:30:00Z".parse().expect("a timestamp");
        Ok(History { read_at: Some(half_past_five), ..history })
    }
}

/// Asks of the evening, and what a forecast says of its origin afterwards.
async fn night(there_on: usize) -> (usize, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let market = Arc::new(Evening { asks: AtomicUsize::new(0), there_on });
    let night = Night {
        market: market.clone(),
        archive: Arc::new(DirectoryArchive::open(folder.path()).expect("opens")),
        ledger: Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens")),
        programs: Arc::new(pipeline::NoPrograms),
        patience: Patience { asks: 3, pause: Duration::from_millis(1), ..Patience::NONE },
    };
    let ticker: Ticker = "KO".parse().expect("a ticker");
    let settings = Settings::parse("start = 2019-01-01\nlevels = [80]").expect("reads");
    let assignment = settings.assignment(pipeline::Market::Tiingo, vec![ticker.clone()]);
    let run = night.run(&assignment, RecordedMarket::LAST_SESSION, Trigger::Schedule, |_| {}).await.expect("runs");
    assert_eq!(run.closure.expect("closed").status, RunStatus::Succeeded);
    let answer = predict(&*night.archive, &*night.ledger, &ticker, pipeline::ForecastRequest::default())
        .await
        .expect("predicts");
    let bar = serde_json::to_string(&answer.bar).expect("plain data");
    (market.asks.load(Ordering::SeqCst), answer.origin.to_string(), bar)
}

#[tokio::test]
async fn there_on_the_third_ask() {
    let (asks, origin, bar) = night(3).await;
    assert_eq!((asks, origin.as_str()), (3, "2020-12-11"));
    assert_eq!(bar, "\"preliminary\"", "half past five is before eight");
}

#[tokio::test]
async fn never_there() {
    // Three asks, then the night goes on with what is known: the session before, whose bar is final by now.
    let (asks, origin, bar) = night(usize::MAX).await;
    assert_eq!((asks, origin.as_str(), bar.as_str()), (3, "2020-12-10", "\"final\""));
}

/// The recorded market, which cannot be reached at first.
struct Away(AtomicUsize);

#[async_trait]
impl MarketData for Away {
    async fn history(&self, ticker: &Ticker, from: Date, to: Stamp) -> Result<History, Error> {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(Error::MarketUnavailable { ticker: ticker.clone(), reason: "it is away".to_owned() });
        }
        self.0.store(0, Ordering::SeqCst);
        RecordedMarket.history(ticker, from, to).await
    }
}

/// A source that comes back within the retries costs nobody its night; one that stays away does.
#[tokio::test]
async fn a_source_that_is_away_for_a_while() {
    for (calls, status) in [(2, RunStatus::Succeeded), (3, RunStatus::Failed)] {
        let folder = tempfile::tempdir().expect("a folder");
        let night = Night {
            market: Arc::new(Away(AtomicUsize::new(calls))),
            archive: Arc::new(DirectoryArchive::open(folder.path()).expect("opens")),
            ledger: Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).expect("opens")),
            programs: Arc::new(pipeline::NoPrograms),
            patience: Patience { retries: 2, delay: Duration::from_millis(1), ..Patience::NONE },
        };
        let settings = Settings::parse("start = 2019-01-01").expect("reads");
        let assignment = settings.assignment(pipeline::Market::Tiingo, vec!["KO".parse().expect("a ticker")]);
        let run = night.run(&assignment, RecordedMarket::LAST_SESSION, Trigger::Schedule, |_| {}).await.expect("runs");
        assert_eq!(run.closure.expect("closed").status, status);
        let attempts = night.ledger.attempts(&run.run.id).await.expect("lists");
        let away = attempts.iter().filter(|attempt| attempt.setback.as_deref() == Some("KO: it is away")).count();
        assert_eq!(away, calls, "each try is on record: {attempts:?}");
    }
}
