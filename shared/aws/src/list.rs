//! Lists that a Distributed Map reads.

use forecasting::Ticker;
use pipeline::{Archive, Digest, Error, Key, Next, Pass, Run};
use serde::Serialize;

/// Tickers that one call of `train` works on: few enough for its time, and for all of them to be tried alone where it fails.
const BATCH: usize = 5;

/// An item of the list for `train`.
#[derive(Serialize)]
struct Batch<'a> {
    tickers: &'a [Ticker],
}

/// Archives the tickers of a pass for its map to read; none where there is nothing to do.
///
/// # Errors
/// The archive's.
pub async fn write_list(archive: &dyn Archive, run: &Run, pass: &Pass) -> Result<Option<Key>, Error> {
    let (name, bytes) = match pass.next {
        Next::Fetch => ("fetch", serde_json::to_vec(&pass.tickers)),
        Next::Work => {
            let batches: Vec<Batch<'_>> = pass.tickers.chunks(BATCH).map(|tickers| Batch { tickers }).collect();
            ("work", serde_json::to_vec(&batches))
        }
        Next::Report => return Ok(None),
    };
    let bytes = bytes.expect("tickers are plain data");
    let key = Key::run(&run.id, &format!("{name}-{}.json", Digest::of(&bytes).short()));
    archive.create(&key, &bytes).await?;
    Ok(Some(key))
}
