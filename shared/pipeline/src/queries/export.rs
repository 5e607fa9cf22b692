use forecasting::{Stamp, Ticker};

use crate::{
    Archive, Error, Ledger, ObjectRef, Snapshot, Stage,
    records::{end_of_time, price_table},
};

/// A snapshot as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// Its name and the digest of these bytes, as receipts and models give them.
    pub snapshot: ObjectRef,
    /// `date,open,high,low,close,volume,adjClose,divCash,splitFactor`, every bar that was known.
    pub table: Vec<u8>,
}

/// A ticker's prices as they were known on a session: the newest snapshot up to it, or the newest of all.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without prices, [`Error::Missing`] where there were none by then; that and [`Error::Damaged`]
/// where the prices are not what they were.
pub async fn export(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    as_of: Option<Stamp>,
) -> Result<Exported, Error> {
    let newest = ledger.history(ticker, Stage::Fetch, as_of.unwrap_or_else(end_of_time), 1).await?.pop();
    let nothing = || match as_of {
        Some(day) => Error::Missing { key: format!("a snapshot of {ticker} up to {day}") },
        None => Error::NoForecast { ticker: ticker.clone() },
    };
    let snapshot: Snapshot = newest.ok_or_else(nothing)?.parse()?;
    let series = snapshot.checked(archive, ticker).await?;
    Ok(Exported { table: price_table::write(&series), snapshot: snapshot.snapshot })
}
