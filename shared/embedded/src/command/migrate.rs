//! `migrate`: rewrites what earlier releases stored. They are read on without it; it saves their space.

use std::{path::Path, process::ExitCode};

use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    Failure,
    arguments::StoreArguments,
    output,
    run::{ledger_path, style},
};
use crate::{DirectoryArchive, Lock, SqliteLedger};

#[derive(Serialize)]
struct Output {
    tickers: usize,
    snapshots: usize,
    bytes_before: u64,
    bytes_after: u64,
}

/// Cut off at any moment, it goes on where it was when it is called again.
pub(super) async fn migrate(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let path = ledger_path(&store.data);
    SqliteLedger::open_existing(&path)?;
    let _lock = Lock::take(&store.data)?;
    let before = size(&store.data);
    let archive = DirectoryArchive::open(&store.data)?;
    SqliteLedger::open(&path)?.compact()?;
    let tickers = pipeline::to_migrate(&archive).await?;
    let bar = ProgressBar::new(tickers.len() as u64).with_style(style());
    let mut snapshots = 0;
    for ticker in &tickers {
        bar.set_message(ticker.to_string());
        snapshots += pipeline::migrate(&archive, ticker).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let after = size(&store.data);
    if store.json {
        output::json(&Output { tickers: tickers.len(), snapshots, bytes_before: before, bytes_after: after });
    } else {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (before, after) = (megabytes(before), megabytes(after));
        output::line(&format!(
            "{snapshots} snapshots of {} tickers are rewritten: {before:.1} MB became {after:.1} MB.",
            tickers.len()
        ));
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
