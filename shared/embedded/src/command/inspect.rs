//! `predict`, `runs`, `models`, `receipts` and `verify`: they read, and change nothing.

use std::process::ExitCode;

use forecasting::{Level, Ticker};
use pipeline::{Ledger, VersionId};

use super::{Failure, arguments::StoreArguments, output, run::ledger_path};
use crate::{DirectoryArchive, SqliteLedger};

/// More runs than this are for a program to ask the ledger for.
const RUNS_LISTED: usize = 1_000;

fn open(store: &StoreArguments) -> Result<(DirectoryArchive, SqliteLedger), Failure> {
    let ledger = SqliteLedger::open_existing(&ledger_path(&store.data)).map_err(Failure::Failed)?;
    Ok((DirectoryArchive::read_only(&store.data), ledger))
}

pub(super) async fn predict(
    ticker: &Ticker,
    horizon: Option<usize>,
    levels: &[Level],
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let (archive, ledger) = open(store)?;
    let prediction = pipeline::predict(&archive, &ledger, ticker, horizon, levels).await?;
    if store.json {
        output::json(&prediction);
    } else {
        output::prediction(&prediction);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn runs(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (_, ledger) = open(store)?;
    let entries = ledger.runs(RUNS_LISTED).await?;
    if store.json {
        output::json(&entries.iter().map(output::RunListing::of).collect::<Vec<_>>());
    } else {
        output::runs(&entries);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn models(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (archive, ledger) = open(store)?;
    let models = pipeline::models(&archive, &ledger, ticker).await?;
    if store.json {
        output::json(&models);
    } else {
        output::models(&models);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn receipts(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (_, ledger) = open(store)?;
    let receipts = ledger.receipts(ticker).await?;
    if receipts.is_empty() {
        return Err(pipeline::Error::NoForecast { ticker: ticker.clone() }.into());
    }
    if store.json {
        output::json(&receipts);
    } else {
        output::receipts(&receipts);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn verify(ticker: &Ticker, version: &str, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (archive, _) = open(store)?;
    // An id never has another shape; anything else might lead out of the archive.
    if !version.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Failure::Usage(format!("'{version}' is not a version: one looks like 2020-12-11-0123abcd")));
    }
    let verified = pipeline::verify(&archive, ticker, &VersionId::from_text(version)).await?;
    if store.json {
        output::json(&verified);
    } else {
        output::verified(&verified);
    }
    Ok(ExitCode::SUCCESS)
}
