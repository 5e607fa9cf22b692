//! What is left of a series that was forgotten: `forgotten/{ticker}/{records}-{digest8}.json`.

use forecasting::Ticker;
use serde::{Deserialize, Serialize};

use crate::{Archive, Error, Key, Link, RunId};

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
    /// The runs that had committed something for it; absent from earlier releases, and of a series that had no results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunId>,
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
        Ok(Tombstone::all(archive, ticker).await?.pop())
    }

    /// All of a series, the newest last.
    ///
    /// # Errors
    /// As [`Tombstone::newest`].
    pub(crate) async fn all(archive: &dyn Archive, ticker: &Ticker) -> Result<Vec<Tombstone>, Error> {
        let mut found = Vec::new();
        for listed in archive.list(&Key::tombstones(ticker)).await? {
            let Some(key) = Key::of_tombstone(ticker, &listed) else { continue };
            let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
            let read = serde_json::from_slice(&bytes);
            found.push(read.map_err(|error| Error::Damaged { key: key.to_string(), reason: error.to_string() })?);
        }
        Ok(found)
    }

    /// Whether what a run had committed for the series was forgotten. Of runs that earlier releases forgot there are no transcripts that
    /// would tell of them.
    pub(crate) fn has(&self, run: &RunId) -> bool {
        self.runs.contains(run)
    }
}
