//! What pages and pictures ask of one ticker: its newest forecast, prices and snapshot, residuals, two versions side by side.

use forecasting::{
    Calibration, Contender, IntervalKind, LiveRecord, PriceSeries, Residuals, StandingForecast, Step, Ticker,
};

use super::{models::ModelSummary, scores, watched::WATCHED_RUNS};
use crate::{
    Archive, Error, Forecasted, Ledger, ModelVersion, Run, RunEntry, RunId, Snapshot, Stage, StageRecord, TickerStatus,
    TickerSummary, Trained, VersionId, records::end_of_time,
};

/// The newest forecast on record, and the run that made it.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without one.
pub async fn newest_forecast(ledger: &dyn Ledger, ticker: &Ticker) -> Result<(RunId, Forecasted), Error> {
    let newest = ledger.history(ticker, Stage::Forecast, end_of_time(), 1).await?.pop();
    let newest = newest.ok_or_else(|| Error::NoForecast { ticker: ticker.clone() })?;
    Ok((newest.key.run.clone(), newest.parse()?))
}

/// So many of the newest forecasts on record, newest first.
///
/// # Errors
/// [`Error::Damaged`] where one does not read.
pub async fn forecasts_made(ledger: &dyn Ledger, ticker: &Ticker, most: usize) -> Result<Vec<Forecasted>, Error> {
    ledger.history(ticker, Stage::Forecast, end_of_time(), most).await?.iter().map(StageRecord::parse).collect()
}

/// The newest run that worked on a ticker and failed it; `None` where a later one, or the newest, did not.
///
/// # Errors
/// Where a store cannot be reached.
pub async fn failed_since(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
) -> Result<Option<(Run, TickerSummary)>, Error> {
    for RunEntry { run, closure, .. } in ledger.runs(WATCHED_RUNS).await? {
        let Some(closure) = closure else { continue };
        let outcomes = closure.outcomes(archive).await.unwrap_or_default();
        if let Some(summary) = outcomes.into_iter().find(|summary| summary.ticker == *ticker) {
            return Ok((summary.status == TickerStatus::Failed).then_some((run, summary)));
        }
    }
    Ok(None)
}

/// The prices that a run works on.
///
/// # Errors
/// [`Error::Missing`] and [`Error::Damaged`] where they do not read whole.
pub async fn prices(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    run: &RunId,
) -> Result<PriceSeries, Error> {
    Snapshot::of_run(ledger, ticker, run).await?.series(archive, ticker).await
}

/// The newest snapshot on record, with the statistics of its scope; `None` where nothing was fetched.
pub async fn newest_snapshot(ledger: &dyn Ledger, ticker: &Ticker) -> Result<Option<Snapshot>, Error> {
    ledger.history(ticker, Stage::Fetch, end_of_time(), 1).await?.pop().map(|record| record.parse()).transpose()
}

/// Who of the contenders has no model since the newest night, and why.
pub async fn without_model(ledger: &dyn Ledger, ticker: &Ticker) -> Result<Vec<(Contender, String)>, Error> {
    let newest = ledger.history(ticker, Stage::Train, end_of_time(), 1).await?.pop();
    let trained = newest.as_ref().map(Trained::read).transpose()?.flatten();
    Ok(trained.map(|trained| trained.without_model).unwrap_or_default())
}

/// Sessions of a year.
const SESSIONS_TESTED: usize = 250;

/// What the model in service leaves unexplained over the last year of the prices that it forecasts from.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without a forecast; [`Error::Forecasting`] where its history is too short.
pub async fn residuals(archive: &dyn Archive, ledger: &dyn Ledger, ticker: &Ticker) -> Result<Residuals, Error> {
    let (run, Forecasted { champion, .. }) = newest_forecast(ledger, ticker).await?;
    let series = prices(archive, ledger, ticker, &run).await?;
    let version = ModelVersion::read(archive, ticker, &champion.version, Some(&champion.sha256)).await?;
    Residuals::of(&series, &champion.specification, version.inputs.window, SESSIONS_TESTED)
        .map_err(crate::error::about(ticker))
}

/// One of the versions that are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What it is.
    pub model: ModelSummary,
    /// Its forecast from the newest prices, with the model's own intervals: nobody has taught them to both alike.
    pub steps: Vec<Step>,
    /// What the scores of its own forecasts add up to.
    pub live: LiveRecord,
}

/// Two versions on the same, newest prices.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without a forecast; [`Error::Missing`] for a version that is not there.
pub async fn compare(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    versions: [&VersionId; 2],
) -> Result<(Forecasted, [Compared; 2]), Error> {
    let (run, newest) = newest_forecast(ledger, ticker).await?;
    let series = prices(archive, ledger, ticker, &run).await?;
    let scored = match scores(ledger, ticker).await {
        Err(Error::NoForecast { .. }) => Vec::new(),
        other => other?,
    };
    let levels: Vec<_> = newest
        .forecast
        .steps
        .first()
        .map_or_else(Vec::new, |step| step.served.intervals.iter().map(|interval| interval.level).collect());
    let calibration =
        newest.calibration.clone().unwrap_or_else(|| Calibration::first(&series, newest.forecast.steps.len()));
    let compared = async |version: &VersionId| -> Result<Compared, Error> {
        let stored = ModelVersion::read(archive, ticker, version, None).await?;
        let both = stored.forecast(&series, newest.forecast.steps.len(), &calibration)?;
        let (own, other) = both.by(IntervalKind::Model);
        let last = series.last();
        let forecast = StandingForecast::new(last.day, last.adjusted_close, own, other, &levels);
        let its_own = scored.iter().filter(|scored| scored.version == *version);
        Ok(Compared {
            model: ModelSummary::of(version.clone(), &stored, Some(&newest.champion)),
            steps: forecast.steps.into_iter().map(|step| step.served).collect(),
            live: LiveRecord::of(its_own.map(|scored| &scored.score)),
        })
    };
    let [a, b] = versions;
    let both = [compared(a).await?, compared(b).await?];
    Ok((newest, both))
}
