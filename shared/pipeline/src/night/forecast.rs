use forecasting::{Calibration, LiveRecord, StandingForecast};

use super::{Place, Tonight, retention::retire, train::newest_trained};
use crate::{
    Archive, Champion, Digest, Error, Evaluated, Forecasted, Key, Ledger, ModelVersion, Promoted, Stage, Trained,
    records::{champion_on, forecast_table, live_sums},
};

/// Whoever is champion writes the forecast table for this origin, and versions are removed that the retention no longer keeps.
pub(super) async fn forecast(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    tonight: &Tonight<'_>,
) -> Result<Forecasted, Error> {
    let Tonight { place, snapshot, series } = tonight;
    let Place { run, ticker, .. } = *place;
    if let Some(forecasted) = place.result(ledger, Stage::Forecast).await? {
        return Ok(forecasted);
    }
    let pointer = ledger.champion(ticker).await?;
    let champion = match place.result::<Promoted>(ledger, Stage::Promote).await? {
        // Somebody may have rolled back from it already.
        Some(Promoted { champion, .. }) => pointer
            .filter(|pointer| pointer.as_of == place.as_of && pointer.sequence > champion.sequence)
            .unwrap_or(champion),
        None => champion_on(ledger, ticker, place.as_of)
            .await?
            .ok_or_else(|| Error::Missing { key: format!("{ticker}'s champion") })?,
    };
    let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
    // A rollback trains nothing: its intervals are those that the newest record teaches.
    let trained = match ledger.committed(&place.key(Stage::Train)).await? {
        Some(record) => Trained::read(&record)?,
        None => newest_trained(ledger, place).await?.map(|(_, trained)| trained),
    };
    let calibration = trained.and_then(|trained| trained.calibration(&champion));
    let calibration = calibration.unwrap_or_else(|| Calibration::first(series, run.configuration.horizon));
    let both = version.forecast(series, run.configuration.horizon, &calibration)?;
    let (served, other) = both.by(run.configuration.intervals);
    let last = series.last();
    let standing = StandingForecast::new(last.day, last.adjusted_close, served, other, &run.configuration.levels);

    let live = live(ledger, place, &champion).await?;
    let closes = series.adjusted_closes();

    let table = forecast_table::header(&run.configuration.levels)
        + &forecast_table::lines(ticker, &champion.version, &standing);
    let table_key = Key::forecast(place.as_of, ticker, &Digest::of(table.as_bytes()));
    archive.create(&table_key, table.as_bytes()).await?;
    let result = Forecasted {
        champion,
        market: snapshot.market,
        snapshot: snapshot.snapshot.clone(),
        bar: snapshot.bar,
        table: table_key,
        calibration: Some(calibration),
        live: Some(live),
        recent: closes[closes.len().saturating_sub(RECENT)..].to_vec(),
        forecast: standing,
    };
    // Before the commit: what is cut off here is done again, and what is committed is not.
    retire(archive, ledger, place).await?;
    place.commit(ledger, Stage::Forecast, &result).await
}

/// Sessions of a quarter: as many as a small picture shows.
const RECENT: usize = 60;

/// What the scores of the champion's specification add up to. Tonight's evaluation knows, unless a verdict has put another
/// specification in service since.
async fn live(ledger: &dyn Ledger, place: &Place<'_>, champion: &Champion) -> Result<LiveRecord, Error> {
    let evaluated: Option<Evaluated> = place.result(ledger, Stage::Evaluate).await?;
    match evaluated {
        Some(evaluated) if evaluated.of == Some(champion.specification) => Ok(evaluated.live),
        _ => Ok(live_sums(ledger, place.ticker, place.as_of, &champion.specification).await?.record()),
    }
}
