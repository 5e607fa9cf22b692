//! Removes a series for good, and leaves a tombstone. Cut off at any moment and called again, it ends the same.

use forecasting::Ticker;

use crate::{Archive, Chained, Digest, Error, Key, Ledger, Link, RunId, Tombstone};

/// Removes everything that archive and ledger have of a series alone: prices, models, records, forecast tables, quarantine, results,
/// receipts and the champion pointer. What a night's report says of all its tickers together stays as it was.
///
/// # Errors
/// [`Error::NoForecast`] where there is nothing of it.
pub async fn forget(archive: &dyn Archive, ledger: &dyn Ledger, ticker: &Ticker) -> Result<Tombstone, Error> {
    let chain = ledger.chain(ticker).await?;
    let tombstone = match (chain.head, Tombstone::newest(archive, ticker).await?) {
        // Cut off before.
        (Some(head), Some(tombstone)) if head == tombstone.head => tombstone,
        (Some(head), _) => write_tombstone(archive, ticker, &chain.records, head).await?,
        (None, Some(tombstone)) => tombstone,
        // Files that were refused, what a release before places kept, or rows that no run has seen.
        (None, None) if !remains(archive, ticker).await?.is_empty() || has_rows(ledger, ticker).await? => {
            write_tombstone(archive, ticker, &[], Link { sequence: 0, digest: Digest::of(b"") }).await?
        }
        (None, None) => return Err(Error::NoForecast { ticker: ticker.clone() }),
    };
    ledger.forget(ticker).await?;
    for key in remains(archive, ticker).await? {
        archive.remove(&key).await?;
    }
    Ok(tombstone)
}

/// Whether rows of it have arrived, readable or not.
async fn has_rows(ledger: &dyn Ledger, ticker: &Ticker) -> Result<bool, Error> {
    match ledger.head(ticker).await {
        Ok(head) => Ok(head.is_some()),
        Err(Error::Damaged { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Before anything is gone: whoever finds less than there was finds the reason.
async fn write_tombstone(
    archive: &dyn Archive,
    ticker: &Ticker,
    records: &[(Link, Chained)],
    head: Link,
) -> Result<Tombstone, Error> {
    let mut runs: Vec<RunId> = records.iter().map(|(_, record)| record.run().clone()).collect();
    runs.sort();
    runs.dedup();
    let tombstone = Tombstone { ticker: ticker.clone(), records: records.len(), head, runs };
    let bytes = tombstone.to_json();
    archive.create(&Key::tombstone(ticker, tombstone.head.sequence, &Digest::of(&bytes)), &bytes).await?;
    Ok(tombstone)
}

/// The archived objects that are of this series alone.
pub(crate) async fn remains(archive: &dyn Archive, ticker: &Ticker) -> Result<Vec<Key>, Error> {
    let mut keys = Vec::new();
    for prefix in Key::prefixes_of(ticker) {
        keys.extend(archive.list(&prefix).await?.into_iter().filter_map(|listed| Key::of(ticker, &listed)));
    }
    Ok(keys)
}
