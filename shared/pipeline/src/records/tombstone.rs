//! What is left of a series that was forgotten: `forgotten/{ticker}/{records}-{digest8}.json`.

use forecasting::Ticker;
use serde::{Deserialize, Serialize};

use crate::{Archive, Error, Key, Link};

/// That a series was removed for good, and where its chain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The series.
    pub ticker: Ticker,
    /// How many results and receipts the ledger had of it.
    pub records: usize,
    /// The last of them.
    pub head: Link,
}

impl Tombstone {
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a tombstone is plain data")
    }

    /// The newest one of a series; it may have begun anew since.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it does not read.
    pub async fn newest(archive: &dyn Archive, ticker: &Ticker) -> Result<Option<Tombstone>, Error> {
        let Some(listed) = archive.list(&Key::tombstones(ticker)).await?.pop() else { return Ok(None) };
        let Some(key) = Key::of_tombstone(ticker, &listed) else { return Ok(None) };
        let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| Error::Damaged { key: key.to_string(), reason: error.to_string() })
    }
}
