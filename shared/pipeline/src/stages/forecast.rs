use forecasting::{StandingForecast, Ticker};
use serde::{Deserialize, Serialize};

use super::{
    committed::{Place, champion_on, read_snapshot},
    fetch::{BarStatus, Snapshot},
    promote::Promoted,
};
use crate::{
    Archive, Champion, Digest, Error, Key, Ledger, ModelVersion, Run, SnapshotRef, Stage, error::about,
    stored::forecast_table,
};

/// A forecast on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecasted {
    /// Who made it.
    pub champion: Champion,
    /// The market that its prices come from.
    pub market: String,
    /// The prices it knew.
    pub snapshot: SnapshotRef,
    /// Whether the newest of them may still be corrected.
    pub bar: BarStatus,
    /// The forecast table.
    pub table: Key,
    /// The forecast.
    pub forecast: StandingForecast,
}

/// Whoever is champion writes the forecast table for this origin.
pub async fn forecast(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    run: &Run,
    ticker: &Ticker,
) -> Result<Forecasted, Error> {
    let place = Place::new(run, ticker)?;
    if let Some(forecasted) = place.result(ledger, Stage::Forecast).await? {
        return Ok(forecasted);
    }
    let snapshot: Snapshot = place.required(ledger, Stage::Fetch).await?;
    let champion = match place.result::<Promoted>(ledger, Stage::Promote).await? {
        Some(promoted) => promoted.champion,
        None => champion_on(ledger, ticker, place.as_of)
            .await?
            .ok_or_else(|| Error::Missing { key: format!("{ticker}'s champion") })?,
    };
    let series = read_snapshot(archive, ticker, &snapshot.snapshot).await?;
    let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
    let (model, factor) = version.brought_up_to(&series)?;
    let prices = model.forecast(run.configuration.horizon).map_err(about(ticker))?.rebased(factor);
    let last = series.last();
    let standing = StandingForecast::new(last.day, last.adjusted_close, &prices, &run.configuration.levels);

    let table = forecast_table::header(&run.configuration.levels)
        + &forecast_table::lines(ticker, &champion.version, &standing);
    let table_key = Key::forecast(place.as_of, ticker, &Digest::of(table.as_bytes()));
    archive.create(&table_key, table.as_bytes()).await?;
    let result = Forecasted {
        champion,
        market: snapshot.market,
        snapshot: snapshot.snapshot,
        bar: snapshot.bar,
        table: table_key,
        forecast: standing,
    };
    place.commit(ledger, Stage::Forecast, &result).await
}
