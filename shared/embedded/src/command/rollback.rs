use std::process::ExitCode;

use forecasting::Ticker;
use pipeline::{Promoted, VersionId};

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// Puts a version that was in service before into service again.
pub(super) async fn rollback(
    ticker: &Ticker,
    version: &VersionId,
    store: &StoreArguments,
) -> Result<ExitCode, Failure> {
    let stores = Stores::change(&store.place).await?;
    print(
        ticker,
        &pipeline::rollback(&*stores.archive, &*stores.ledger, &*stores.programs(), ticker, version).await?,
        store,
    );
    Ok(ExitCode::SUCCESS)
}

/// Releases what a rollback pinned.
pub(super) async fn release(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let stores = Stores::change(&store.place).await?;
    print(ticker, &pipeline::release(&*stores.archive, &*stores.ledger, &*stores.programs(), ticker).await?, store);
    Ok(ExitCode::SUCCESS)
}

fn print(ticker: &Ticker, promoted: &Promoted, store: &StoreArguments) {
    if store.json {
        output::json(promoted);
    } else {
        output::rolled_back(ticker, promoted);
    }
}
