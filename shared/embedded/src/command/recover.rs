use std::process::ExitCode;

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// Makes a lost ledger anew from the archive.
pub(super) async fn recover(store: &StoreArguments) -> Result<ExitCode, Failure> {
    let stores = Stores::anew(&store.place).await?;
    let recovered = pipeline::recover(&*stores.archive, &*stores.ledger).await?;
    if store.json {
        output::json(&recovered);
    } else {
        output::recovered(&recovered);
    }
    Ok(if recovered.unproven.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
