//! Lists that a Distributed Map reads.

use forecasting::Ticker;
use pipeline::{Archive, Digest, Error, Key, Next, Pass, Run};
use serde::Serialize;

/// Tickers that one call works on: few enough for its time, and for all of them to be tried alone where it dies.
const BATCH: usize = 5;

/// An item of a list.
#[derive(Serialize)]
struct Batch<'a> {
    tickers: &'a [Ticker],
}

/// Archives the tickers of a pass for its map to read; none where there is nothing to do.
///
/// # Errors
/// The archive's.
pub async fn write_list(archive: &dyn Archive, run: &Run, pass: &Pass) -> Result<Option<Key>, Error> {
    let name = match pass.next {
        Next::Fetch => "fetch",
        Next::Work => "work",
        Next::Report => return Ok(None),
    };
    let batches: Vec<Batch<'_>> = pass.tickers.chunks(BATCH).map(|tickers| Batch { tickers }).collect();
    let bytes = serde_json::to_vec(&batches).expect("tickers are plain data");
    let key = Key::run(&run.id, &format!("{name}-{}.json", Digest::of(&bytes).short()));
    archive.create(&key, &bytes).await?;
    Ok(Some(key))
}
