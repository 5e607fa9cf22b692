//! Tables of prices become bars, whichever call fails and whenever.

use std::fmt::Write;

use forecasting::{Period, Ticker};
use pipeline::{
    Archive, Digest, Error, Key, MarketData, ObjectRef, Snapshot, migrate,
    price_file::PriceFile,
    testing::{Faults, Intercepted, MemoryArchive},
    to_migrate,
};

fn ticker() -> Ticker {
    "X".parse().expect("a ticker")
}

/// Snapshots of 16 sessions as an earlier release kept them; on the way a bar is revised and a dividend is paid.
async fn former() -> (MemoryArchive, Vec<Snapshot>) {
    let archive = MemoryArchive::default();
    let first: Period = "2019-01-02".parse().expect("a session");
    let days: Vec<Period> = std::iter::successors(Some(first), |day| Some(day.next())).take(60).collect();
    let mut snapshots = Vec::new();
    for known in 38..54 {
        let mut text = "date,open,high,low,close,volume,adjClose,divCash,splitFactor\n".to_owned();
        for (index, day) in days[..known].iter().enumerate() {
            let close = 50.0 + index as f64 / 7.0 + f64::from(u8::from(known > 40 && index == 35));
            let dividend = f64::from(u8::from(index == 45));
            let factor = if known > 45 && index < 45 { 56.0 / 57.0 } else { 1.0 };
            let adjusted =
                close * if index < 45 && known > 45 { (50.0 + 45.0 / 7.0) / (51.0 + 45.0 / 7.0) } else { factor };
            let _ = writeln!(text, "{day},{close},{close},{close},{close},100,{adjusted},{dividend},1");
        }
        let file = PriceFile::new(ticker(), "prices.csv", text.into_bytes());
        let history = file.history(&ticker(), days[0].date(), days[59].into()).await.expect("reads");
        let series = forecasting::PriceSeries::new(ticker(), history.rows).expect("a series");
        let table = pipeline::testing::price_table(&series);
        let sha256 = Digest::of(&table);
        let key = Key::snapshot(&ticker(), series.last().day, &sha256);
        archive.create(&key, &table).await.expect("writes");
        let json = serde_json::json!({
            "snapshot": ObjectRef { key, sha256 }, "last": series.last().day, "bar": "final", "start": "2019-01-01", "market": "csv",
            "download": "increment", "scope": forecasting::Scope::of(&series, 0),
        });
        snapshots.push(serde_json::from_value(json).expect("as it was written"));
    }
    (archive, snapshots)
}

async fn series(archive: &dyn Archive, snapshots: &[Snapshot]) -> Vec<forecasting::PriceSeries> {
    let mut all = Vec::new();
    for snapshot in snapshots {
        all.push(snapshot.series(archive, &ticker()).await.expect("reads"));
    }
    all
}

#[tokio::test]
async fn any_call_of_a_migration_may_fail() {
    let (former, snapshots) = former().await;
    assert_eq!(to_migrate(&former).await.expect("lists"), [ticker()]);
    let before = series(&former, &snapshots).await;
    let undisturbed = former.fork();
    let faults = Faults::default();
    let told = migrate(&Intercepted { inner: &undisturbed, by: &faults }, &ticker()).await.expect("migrates");
    assert_eq!(told, 16);
    assert_eq!(series(&undisturbed, &snapshots).await, before);
    assert!(to_migrate(&undisturbed).await.expect("lists").is_empty());
    for call in 1..=faults.calls() {
        for after_effect in [false, true] {
            let archive = former.fork();
            let faults = Faults::at(call, after_effect);
            let first = migrate(&Intercepted { inner: &archive, by: &faults }, &ticker()).await;
            assert!(matches!(first, Err(Error::Store { .. })), "call {call}: {first:?}");
            assert_eq!(series(&archive, &snapshots).await, before, "call {call}, {after_effect}");
            migrate(&archive, &ticker()).await.expect("migrates");
            assert_eq!(archive.objects(), undisturbed.objects(), "call {call}, {after_effect}");
        }
    }
    assert!(faults.calls() > 40, "{}", faults.calls());
}

#[tokio::test]
async fn a_damaged_table_is_named_and_everything_stays() {
    let (archive, _) = former().await;
    let keys = archive.list("prices/X/").await.expect("lists");
    let key: Key = serde_json::from_value(serde_json::Value::from(keys[9].as_str())).expect("a key");
    let mut bytes = archive.read(&key).await.expect("reads").expect("is there");
    bytes[200] ^= 1;
    archive.remove(&key).await.expect("removes");
    archive.create(&key, &bytes).await.expect("writes");
    let error = migrate(&archive, &ticker()).await.expect_err("damaged").to_string();
    assert!(error.contains(key.as_str()) && error.contains("named after"), "{error}");
    let left = archive.list("prices/X/").await.expect("lists");
    assert!(keys.iter().all(|key| left.contains(key)));
}
