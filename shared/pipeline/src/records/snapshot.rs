use forecasting::{PriceSeries, Scope, Ticker, TradingDay};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::price_table;
use crate::{Archive, Digest, Error, ObjectRef};

/// A price snapshot and what it covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where it lies.
    pub snapshot: ObjectRef,
    /// The newest session it holds.
    pub last: TradingDay,
    /// Whether that session's bar may still be corrected.
    pub bar: BarStatus,
    /// First date that was asked for.
    pub start: Date,
    /// The market that was asked.
    pub market: String,
    /// What was downloaded.
    pub download: Download,
    /// Statistics of its scope.
    pub scope: Scope,
}

impl Snapshot {
    /// Its prices, whole and checked against their digest.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Damaged`] where they do not read whole.
    pub async fn series(&self, archive: &dyn Archive, ticker: &Ticker) -> Result<PriceSeries, Error> {
        read_prices(archive, ticker, &self.snapshot).await
    }
}

/// The prices that something rests on, whole and checked against their digest.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] where they do not read whole.
pub async fn read_prices(archive: &dyn Archive, ticker: &Ticker, reference: &ObjectRef) -> Result<PriceSeries, Error> {
    let ObjectRef { key, sha256 } = reference;
    let bytes = archive.read(key).await?.ok_or_else(|| Error::Missing { key: key.to_string() })?;
    if Digest::of(&bytes) != *sha256 {
        let reason = "its bytes do not match their checksum".to_owned();
        return Err(Error::Damaged { key: key.to_string(), reason });
    }
    price_table::read(ticker, key, &bytes)
}

/// Whether the newest bar may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BarStatus {
    /// Read after 20:00 in New York of its own session.
    Final,
    /// Read earlier: the exchanges may still send corrections.
    Preliminary,
}

/// How a snapshot came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// The whole history, and why.
    Full(String),
    /// The rows since the last snapshot, and an overlap with it that proves it unchanged.
    Increment,
}
