//! `migrate`: rewrites what earlier releases stored. They are read on without it; it saves their space.

use std::{path::Path, process::ExitCode};

use serde::Serialize;

use super::{Failure, arguments::StoreArguments, output, run::PROGRESS, stores::Stores};

#[derive(Serialize)]
struct Output {
    tickers: usize,
    snapshots: usize,
    /// Of the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_after: Option<u64>,
}

/// Cut off at any moment, it goes on where it was when it is called again.
pub(super) async fn migrate(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let data = Some(&store.place.data).filter(|_| !store.place.in_cloud());
    let before = data.map(|data| size(data));
    let stores = Stores::change(&store.place).await?;
    stores.compact()?;
    let tickers = pipeline::to_migrate(&*stores.archive).await?;
    let bar = output::progress(tickers.len() as u64, PROGRESS);
    let mut snapshots = 0;
    for ticker in &tickers {
        bar.set_message(ticker.to_string());
        snapshots += pipeline::migrate(&*stores.archive, ticker).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    // What SQLite keeps beside an open ledger is gone when it is closed.
    drop(stores);
    let after = data.map(|data| size(data));
    if store.json {
        output::json(&Output { tickers: tickers.len(), snapshots, bytes_before: before, bytes_after: after });
    } else {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let saved = before
            .zip(after)
            .map(|(before, after)| format!(": {:.1} MB became {:.1} MB", megabytes(before), megabytes(after)));
        let (tickers, saved) = (tickers.len(), saved.unwrap_or_default());
        output::print(&format!("{snapshots} snapshots of {tickers} tickers are rewritten{saved}."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes of everything in a folder; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
