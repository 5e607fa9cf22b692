//! The same nights on both pairs of stores: a bucket and a table, a directory and a SQLite file. Everything that is kept must
//! be the same, but for timestamps.

mod support;

use std::sync::Arc;

use embedded::{DirectoryArchive, Night, RecordedMarket, SqliteLedger};
use forecasting::Ticker;
use jiff::civil::{Date, date};
use pipeline::{Archive, Assignment, Closure, Ledger, RunEntry, RunStatus, Settings, Stage, StageKey, Trigger};
use support::cloud;

const NIGHTS: [Date; 2] = [date(2020, 12, 10), date(2020, 12, 11)];

fn assignment() -> Assignment {
    let tickers = ["GOOGL", "KO", "NLS"].map(|ticker| ticker.parse().expect("a ticker")).to_vec();
    Settings::parse("").expect("defaults").assignment(pipeline::Market::Recorded, tickers)
}

async fn nights(archive: Arc<dyn Archive>, ledger: Arc<dyn Ledger>) -> Vec<RunEntry> {
    let night = Night {
        market: Arc::new(RecordedMarket),
        archive,
        ledger,
        programs: Arc::new(pipeline::NoPrograms),
        patience: pipeline::Patience::NONE,
    };
    let mut entries = Vec::new();
    for as_of in NIGHTS {
        let entry = night.run(&assignment(), as_of, Trigger::Backfill, |_| {}).await.expect("the run is closed");
        entries.push(RunEntry {
            opened_at: String::new(),
            closed_at: None,
            closure: entry.closure.map(|closure| Closure { seconds: 0.0, ..closure }),
            ..entry
        });
    }
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_leave_equal_archives_and_ledgers() {
    let Some((clients, name)) = cloud("nights").await else { return };
    let bucket = Arc::new(support::archive(&clients, &name).await);
    let table = Arc::new(support::ledger(&clients, &name).await);
    let data = tempfile::tempdir().expect("a directory");
    let directory = Arc::new(DirectoryArchive::open(data.path()).expect("opens"));
    let file = Arc::new(SqliteLedger::open(&data.path().join("ledger.sqlite")).expect("opens"));

    let in_cloud = nights(bucket.clone(), table.clone()).await;
    let here = nights(directory.clone(), file.clone()).await;
    assert_eq!(in_cloud, here);
    let done = |entry: &RunEntry| entry.closure.as_ref().is_some_and(|closure| closure.status == RunStatus::Succeeded);
    assert!(here.iter().all(done), "{here:?}");

    let mut compared = 0;
    for prefix in ["prices/", "models/", "records/", "forecasts/", "reports/", "runs/", "quarantine/"] {
        let keys = bucket.list(prefix).await.expect("lists");
        assert_eq!(keys, directory.list(prefix).await.expect("lists"));
        for key in keys {
            let object = clients.s3().get_object().bucket(&name).key(&key).send().await.expect("is there");
            let bytes = object.body.collect().await.expect("reads").to_vec();
            assert!(bytes == std::fs::read(data.path().join(&key)).expect("reads"), "{key}: other bytes");
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} objects");

    for ticker in assignment().tickers {
        same_records(&*table, &*file, &ticker, &here).await;
    }
}

async fn same_records(table: &dyn Ledger, file: &dyn Ledger, ticker: &Ticker, entries: &[RunEntry]) {
    assert_eq!(table.champion(ticker).await.expect("reads"), file.champion(ticker).await.expect("reads"));
    let receipts = table.receipts(ticker).await.expect("lists");
    assert_eq!(receipts, file.receipts(ticker).await.expect("lists"));
    assert_eq!(receipts.len(), entries.len());
    for entry in entries {
        for stage in Stage::ALL {
            let key = StageKey { run: entry.run.id.clone(), ticker: ticker.clone(), stage };
            let committed = table.committed(&key).await.expect("reads");
            assert_eq!(committed, file.committed(&key).await.expect("reads"));
            assert!(committed.is_some(), "{ticker}: no result of {stage}");
        }
    }
}
