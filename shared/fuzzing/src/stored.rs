//! What is kept, in every format of every release: damaged, it is refused or tells the same.

use forecasting::{Calibration, PriceSeries, Row};
use jiff::{ToSpan, civil::date};
use pipeline::{
    Assignment, Champion, Closure, Evaluated, Forecasted, Key, ModelVersion, Receipt, Snapshot, Tombstone, Trained,
    packed, recover,
    testing::{MemoryArchive, MemoryLedger},
};
use serde_json::Value;

use crate::text;

pub(crate) fn stored(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest));
    match first % 4 {
        0 => model(rest),
        1 => record(rest),
        2 => {
            if let Ok(unpacked) = packed::unpack(rest) {
                assert_eq!(packed::unpack(&packed::pack(&unpacked)).as_deref(), Ok(&*unpacked));
            }
        }
        _ => transcript(rest),
    }
}

/// A model that reads forecasts, or says why not, and is written as it was read.
fn model(bytes: &[u8]) {
    let Ok(version) = ModelVersion::parse(bytes) else { return };
    let again = ModelVersion::parse(&version.to_json()).expect("what was written reads");
    assert_eq!(again.to_json(), version.to_json());
    let day = |n: i64| date(2020, 1, 1).checked_add(n.days()).expect("a day");
    let rows = (0..400).map(|n| {
        let close = 50.0 + ((n * 37 % 101) as f64) / 10.0;
        Row { adjusted_close: Some(close), close: Some(close), ..Row::new(n as usize + 1, day(n)) }
    });
    let form = forecasting::Form { cadence: Some("1day".parse().expect("a cadence")), kind: forecasting::Kind::Price };
    let Ok(series) = PriceSeries::of("A".parse().expect("a ticker"), rows, form) else { return };
    if let Ok(both) = version.forecast(&series, 5, &Calibration::first(&series, 5)) {
        let (served, _) = both.by(forecasting::IntervalKind::Model);
        drop(format!("{served:?}"));
    }
}

/// Records of the ledger.
fn record(bytes: &[u8]) {
    fn read<T: serde::de::DeserializeOwned + serde::Serialize>(value: &Value) {
        if let Ok(record) = serde_json::from_value::<T>(value.clone()) {
            let written = serde_json::to_string(&record).expect("plain data");
            let again: T = serde_json::from_str(&written).expect("what was written reads");
            assert_eq!(serde_json::to_string(&again).expect("plain data"), written);
        }
    }
    let Ok(value) = serde_json::from_str::<Value>(&text(bytes)) else { return };
    read::<Champion>(&value);
    read::<Closure>(&value);
    read::<Evaluated>(&value);
    read::<Forecasted>(&value);
    read::<Receipt>(&value);
    read::<Snapshot>(&value);
    read::<Tombstone>(&value);
    read::<Trained>(&value);
    let configuration = serde_json::from_value::<Assignment>(value);
    drop(configuration.map(|assignment| assignment.digest()));
}

/// A transcript from which a ledger is to be made anew.
fn transcript(bytes: &[u8]) {
    crate::wait(async {
        let (archive, ledger) = (MemoryArchive::default(), MemoryLedger::default());
        let key: Key = serde_json::from_value("reports/2020-12-11-aaaaaaaa/transcript.zst".into()).expect("a key");
        pipeline::Archive::create(&archive, &key, bytes).await.expect("creates");
        let recovered = recover(&archive, &ledger).await.expect("memory is there");
        assert!(recovered.records == 0 || recovered.runs > 0);
    });
}
