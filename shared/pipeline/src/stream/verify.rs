use forecasting::Ticker;
use serde::Serialize;

use super::Streams;
use crate::{Archive, Error, Ledger};

/// What was taken in again of a series' rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifiedStream {
    /// Which series.
    pub ticker: Ticker,
    /// Rows on record.
    pub rows: u64,
    /// Periods that the model in service has been taken further since its run; none where it stands where the run left it.
    pub advanced: u64,
}

/// Takes a series' rows in again, from its run on: each must come to the same, each forecast of it, and in the end the model in service,
/// must be equal. `None` for a series that has no rows.
///
/// # Errors
/// [`Error::Damaged`] names what is not.
pub async fn verify_stream(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    streams: &dyn Streams,
    ticker: &Ticker,
) -> Result<Option<VerifiedStream>, Error> {
    let Some(head) = ledger.head(ticker).await? else { return Ok(None) };
    let mut rows = streams.rows(ticker).await?;
    // Others may have come since.
    rows.retain(|row| row.sequence <= head.sequence);
    let damaged = |reason: String| Error::Damaged { key: format!("the stream of {ticker}"), reason };
    for (place, row) in rows.iter().enumerate() {
        if row.sequence != place as u64 + 1 {
            return Err(damaged(format!("row {} stands where row {} should", row.sequence, place + 1)));
        }
    }
    if head.sequence != rows.len() as u64 || head.newest != rows.iter().map(|row| row.at).max() {
        return Err(damaged(format!("it has {} rows, and should have {}", rows.len(), head.sequence)));
    }
    let again = head.again(archive, ledger, ticker, &rows).await?;
    if again != head.live {
        return Err(damaged("the model in service does not stand where its rows take it".to_owned()));
    }
    let advanced = head.live.map_or(0, |live| live.advanced);
    Ok(Some(VerifiedStream { ticker: ticker.clone(), rows: head.sequence, advanced }))
}
