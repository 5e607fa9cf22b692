use std::process::ExitCode;

use forecasting::Ticker;

use super::{Failure, arguments::StoreArguments, inspect::version_id, output, run::ledger_path};
use crate::{DirectoryArchive, Lock, SqliteLedger};

/// Puts a version that was in service before into service again.
pub(super) async fn rollback(ticker: &Ticker, version: &str, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let version = version_id(version)?;
    SqliteLedger::open_existing(&ledger_path(&store.data)).map_err(Failure::Failed)?;
    let _lock = Lock::take(&store.data).map_err(Failure::Usage)?;
    let archive = DirectoryArchive::open(&store.data).map_err(Failure::Usage)?;
    let ledger = SqliteLedger::open(&ledger_path(&store.data)).map_err(Failure::Usage)?;
    let promoted = pipeline::rollback(&archive, &ledger, ticker, &version).await?;
    if store.json {
        output::json(&promoted);
    } else {
        output::rolled_back(ticker, &promoted);
    }
    Ok(ExitCode::SUCCESS)
}
