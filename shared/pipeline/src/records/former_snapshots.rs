//! `prices/{ticker}/snapshots-{digest8}.json.zst`: which bars the snapshots knew that earlier releases stored as tables. The ledger's records of
//! them stay as they are.

use std::collections::BTreeMap;

use forecasting::Ticker;
use serde::{Deserialize, Serialize};

use crate::{
    Archive, BarLog, Digest, Error, Key, ObjectRef,
    packed::{compress, decompress},
};

/// By the snapshot's name: its digest and its bars.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FormerSnapshots(BTreeMap<Key, (Digest, BarLog)>);

impl FormerSnapshots {
    pub(crate) fn of(logs: impl Iterator<Item = (Key, Digest, BarLog)>) -> FormerSnapshots {
        FormerSnapshots(logs.map(|(key, sha256, log)| (key, (sha256, log))).collect())
    }

    /// Of one snapshot.
    pub(crate) fn log(&self, name: &ObjectRef) -> Option<&BarLog> {
        self.0.get(&name.key).filter(|(sha256, _)| *sha256 == name.sha256).map(|(_, log)| log)
    }

    /// Everything that is on record of a ticker.
    pub(crate) async fn read(archive: &dyn Archive, ticker: &Ticker) -> Result<FormerSnapshots, Error> {
        let mut all = FormerSnapshots::default();
        for listed in archive.list(&Key::former_snapshots(ticker)).await? {
            let Some((key, short)) = Key::of_former_snapshots(ticker, &listed) else { continue };
            let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
            let damaged = |reason: String| Error::Damaged { key: key.to_string(), reason };
            if Digest::of(&bytes).short() != short {
                return Err(damaged("its bytes do not match the digest in its name".to_owned()));
            }
            let json = decompress(&bytes).map_err(damaged)?;
            let FormerSnapshots(found) = serde_json::from_str(&json).map_err(|error| damaged(error.to_string()))?;
            all.0.extend(found);
        }
        Ok(all)
    }

    pub(crate) async fn write(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let bytes = compress(&serde_json::to_string(self).expect("bars are plain data"));
        archive.create(&Key::former_snapshots_of(ticker, &Digest::of(&bytes)), &bytes).await.map(|_| ())
    }
}
