use forecasting::Ticker;
use serde::Serialize;

use super::committed::read_snapshot;
use crate::{Archive, Digest, Error, Key, ModelVersion, VersionId};

/// A version that stands up to being trained again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// The series.
    pub ticker: Ticker,
    /// The version.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// Digest of its bytes, stored and trained again alike.
    pub sha256: Digest,
    /// The snapshot it was trained from.
    pub snapshot: Key,
}

/// Trains a version again from its stored snapshot; the bytes must be equal.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] name the snapshot or the model, whichever is not what it was.
pub async fn verify(archive: &dyn Archive, ticker: &Ticker, version: &VersionId) -> Result<Verified, Error> {
    let stored = ModelVersion::read(archive, ticker, version, None).await?;
    let inputs = &stored.inputs;
    if inputs.engine != forecasting::ENGINE {
        let reason = format!(
            "{version} was trained by {}, this is {}: verify it with the release that trained it",
            inputs.engine,
            forecasting::ENGINE
        );
        return Err(Error::Request { field: "version", reason });
    }
    let series = read_snapshot(archive, ticker, &inputs.snapshot).await?;
    let again = ModelVersion::train(&series, &inputs.snapshot, inputs.window, inputs.specification)?;
    let key = Key::model(ticker, version);
    let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    if again.to_json() != bytes {
        let reason = "training again from its snapshot gives other bytes".to_owned();
        return Err(Error::Damaged { key: key.to_string(), reason });
    }
    Ok(Verified {
        ticker: ticker.clone(),
        version: version.clone(),
        model: stored.model.specification().to_string(),
        sha256: Digest::of(&bytes),
        snapshot: inputs.snapshot.key.clone(),
    })
}
