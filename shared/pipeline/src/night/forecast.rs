use forecasting::{Calibration, Family, LiveRecord, StandingForecast, values};

use super::{Place, Tonight, asked_alone, outlook_of, retention::retire};
use crate::{
    Archive, BothForecasts, Champion, Digest, Error, Evaluated, Forecasted, Key, Ledger, ModelVersion, Programs,
    Trained,
    records::{forecast_table, live_sums},
};

/// What tonight's stages before the forecast came to: nothing where a person decided.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) trained: Option<&'a Trained>,
    pub(super) evaluated: Option<&'a Evaluated>,
}

/// Whoever is champion writes the forecast table for this origin, and versions are removed that the retention no longer keeps.
pub(super) async fn forecast(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    programs: &dyn Programs,
    tonight: &Tonight<'_>,
    champion: &Champion,
    known: Known<'_>,
) -> Result<Forecasted, Error> {
    let Tonight { place, snapshot, series, before, .. } = tonight;
    let Place { run, ticker, .. } = **place;
    let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
    // A rollback trains nothing: its intervals are those that the newest record teaches.
    let known_tonight = known.trained.is_some();
    let trained = known.trained.or(before.as_ref().map(|(_, trained)| trained));
    let calibration = trained.and_then(|trained| trained.calibration(champion));
    let calibration = calibration.unwrap_or_else(|| Calibration::first(series, run.configuration.horizon));
    let mut outlook_made = None;
    let both = if champion.specification.family() == Family::Program {
        let known = trained.and_then(|trained| outlook_of(&trained.outlooks, &champion.version));
        let outlook = match known.filter(|_| known_tonight) {
            Some(outlook) => outlook.clone(),
            None => asked_alone(programs, place, series, &version).await?,
        };
        BothForecasts::of_outlook(series, outlook_made.insert(outlook), &calibration)
    } else {
        version.forecast(series, run.configuration.horizon, &calibration)?
    };
    let (served, other) = both.by(run.configuration.intervals);
    let last = series.last();
    let closes = series.adjusted_closes();
    let season = run.configuration.seasons(ticker, series.cadence()).longest();
    let standing = StandingForecast::new(last.day, last.adjusted_close, served, other, &run.configuration.levels)
        .measured_by(&values(series.bars(), series.kind()), season);

    let live = live(ledger, place, champion, known.evaluated).await?;
    let table = forecast_table::header(&run.configuration.levels)
        + &forecast_table::lines(ticker, &champion.version, &standing);
    let table_key = Key::forecast(place.as_of, ticker, &Digest::of(table.as_bytes()));
    archive.create(&table_key, table.as_bytes()).await?;
    // Before it is on record: what is cut off here is done again.
    retire(archive, ledger, tonight, champion, known.trained).await?;
    Ok(Forecasted {
        champion: champion.clone(),
        market: snapshot.market,
        snapshot: snapshot.snapshot.clone(),
        bar: snapshot.bar,
        table: table_key,
        calibration: Some(calibration),
        outlook: outlook_made,
        live: Some(live),
        recent: closes[closes.len().saturating_sub(RECENT)..].to_vec(),
        forecast: standing,
    })
}

/// Sessions of a quarter: as many as a small picture shows.
const RECENT: usize = 60;

/// What the scores of the champion's specification add up to. Tonight's evaluation knows, unless a verdict has put another
/// specification in service since.
async fn live(
    ledger: &dyn Ledger,
    place: &Place<'_>,
    champion: &Champion,
    evaluated: Option<&Evaluated>,
) -> Result<LiveRecord, Error> {
    match evaluated {
        Some(evaluated) if evaluated.of == Some(champion.specification) => Ok(evaluated.live.clone()),
        _ => Ok(live_sums(ledger, place.ticker, place.as_of, &champion.specification, evaluated).await?.record()),
    }
}
