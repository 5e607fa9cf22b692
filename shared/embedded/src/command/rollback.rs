use std::process::ExitCode;

use forecasting::Ticker;
use pipeline::{Promoted, VersionId};

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// Puts a version that was in service before into service again.
pub(super) async fn rollback(
    ticker: &Ticker,
    version: &VersionId,
    reason: &str,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let stores = Stores::change(&store.place).await?;
    let (archive, ledger, programs) = (&*stores.archive, &*stores.ledger, stores.programs());
    print(ticker, &pipeline::rollback(archive, ledger, &*programs, ticker, version, reason).await?, store);
    Ok(ExitCode::SUCCESS)
}

/// Releases what a rollback pinned.
pub(super) async fn release(ticker: &Ticker, reason: &str, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let stores = Stores::change(&store.place).await?;
    let (archive, ledger, programs) = (&*stores.archive, &*stores.ledger, stores.programs());
    print(ticker, &pipeline::release(archive, ledger, &*programs, ticker, reason).await?, store);
    Ok(ExitCode::SUCCESS)
}

fn print(ticker: &Ticker, promoted: &Promoted, store: &StoreArguments) {
    if store.json {
        output::json(promoted);
    } else {
        output::rolled_back(ticker, promoted);
    }
}
