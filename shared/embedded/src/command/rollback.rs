use std::process::ExitCode;

use forecasting::Ticker;
use pipeline::{Promoted, VersionId};

use super::{Failure, arguments::StoreArguments, output, run::ledger_path};
use crate::{DirectoryArchive, Lock, SqliteLedger};

/// Puts a version that was in service before into service again.
pub(super) async fn rollback(
    ticker: &Ticker,
    version: &VersionId,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let (archive, ledger, _lock) = open(store)?;
    print(ticker, &pipeline::rollback(&archive, &ledger, ticker, version).await?, store);
    Ok(ExitCode::SUCCESS)
}

/// Releases what a rollback pinned.
pub(super) async fn release(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (archive, ledger, _lock) = open(store)?;
    print(ticker, &pipeline::release(&archive, &ledger, ticker).await?, store);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn open(store: &StoreArguments) -> Result<(DirectoryArchive, SqliteLedger, Lock), Failure> {
    SqliteLedger::open_existing(&ledger_path(&store.data))?;
    let lock = Lock::take(&store.data)?;
    let archive = DirectoryArchive::open(&store.data)?;
    let ledger = SqliteLedger::open(&ledger_path(&store.data))?;
    Ok((archive, ledger, lock))
}

fn print(ticker: &Ticker, promoted: &Promoted, store: &StoreArguments) {
    if store.json {
        output::json(promoted);
    } else {
        output::rolled_back(ticker, promoted);
    }
}
