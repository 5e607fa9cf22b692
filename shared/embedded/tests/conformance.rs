//! The adapters of one machine against the ports' contracts.

use embedded::{CachedMarket, CsvMarket, DirectoryArchive, RecordedMarket, SqliteLedger};
use jiff::civil::date;
use pipeline::testing::conformance;

#[tokio::test]
async fn directory_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    conformance::archive(&DirectoryArchive::open(folder.path()).expect("opens")).await;
}

#[tokio::test]
async fn sqlite_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.sqlite");
    let ledger = SqliteLedger::open(&path).expect("opens");
    conformance::ledger(&ledger).await;
    // What was written is there for the next process.
    drop(ledger);
    let again = SqliteLedger::open_existing(&path).expect("opens");
    assert_eq!(pipeline::Ledger::runs(&again, 10).await.expect("lists").len(), 2);
}

#[tokio::test]
async fn markets() {
    let (nls, other) = ("NLS".parse().expect("a ticker"), "NOSUCH".parse().expect("a ticker"));
    let (from, to) = (date(2020, 1, 2), date(2020, 12, 11));
    conformance::market_data(&RecordedMarket, &nls, &other, from, to).await;
    let cached = CachedMarket::new(RecordedMarket, date(2015, 1, 1), to.into());
    conformance::market_data(&cached, &nls, &other, from, to).await;
    // From memory, the same.
    conformance::market_data(&cached, &nls, &other, from, to).await;
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    conformance::market_data(
        &CsvMarket::open(&sample, &pipeline::price_file::ColumnNames::default()).expect("a folder of prices"),
        &nls,
        &other,
        from,
        to,
    )
    .await;
}

#[tokio::test]
async fn two_writers_of_one_object() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = std::sync::Arc::new(DirectoryArchive::open(folder.path()).expect("opens"));
    let key = pipeline::Key::run(&"2020-12-11-0000ace0".parse().expect("an id"), "object");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16_u8 {
        let (archive, key) = (archive.clone(), key.clone());
        writers.spawn(async move { pipeline::Archive::create(&*archive, &key, &vec![writer; 100_000]).await });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "one is first");
    let bytes = pipeline::Archive::read(&*archive, &key).await.expect("reads").expect("is there");
    assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == bytes[0]), "and is whole");
}
