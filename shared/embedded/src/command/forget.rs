use std::process::ExitCode;

use forecasting::Ticker;

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// Removes a series for good.
pub(super) async fn forget(ticker: &Ticker, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let stores = Stores::change(&store.place).await?;
    let tombstone = pipeline::forget(&*stores.archive, &*stores.ledger, ticker).await?;
    stores.compact()?;
    output::forgotten(&tombstone, store.json);
    Ok(ExitCode::SUCCESS)
}
