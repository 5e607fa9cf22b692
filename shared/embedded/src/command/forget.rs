use std::process::ExitCode;

use forecasting::Ticker;

use super::{Failure, arguments::StoreArguments, output, rollback::open};

/// Removes a series for good.
pub(super) async fn forget(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let (archive, ledger, _lock) = open(store)?;
    let tombstone = pipeline::forget(&archive, &ledger, ticker).await?;
    // What was deleted would otherwise stay readable in the file's free pages.
    ledger.compact()?;
    output::forgotten(&tombstone, store.json);
    Ok(ExitCode::SUCCESS)
}
