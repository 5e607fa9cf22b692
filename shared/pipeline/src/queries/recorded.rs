use forecasting::{Contender, Detail, Judgement, Specification, Ticker};

use crate::{Archive, Error, Ledger, Stage, Trained, records::end_of_time};

/// A ticker's newest track record: everyone's losses at each horizon with their standard errors, and the evidence, whoever serves.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without a record; [`Error::Missing`] and [`Error::Damaged`] name what is not what it was.
pub async fn recorded(archive: &dyn Archive, ledger: &dyn Ledger, ticker: &Ticker) -> Result<Judgement, Error> {
    let nothing = || Error::NoForecast { ticker: ticker.clone() };
    let newest = ledger.history(ticker, Stage::Train, end_of_time(), 1).await?.pop().ok_or_else(nothing)?;
    let run = &newest.key.run;
    let entry = ledger.run(run).await?.ok_or_else(|| Error::Missing { key: format!("run {run}") })?;
    let trained = Trained::read(&newest)?.ok_or_else(nothing)?;
    let record = trained.record.read(archive, ticker).await?;
    let configuration = entry.run.configuration;
    let seat = ledger.champion(ticker).await?.and_then(|champion| champion.seat);
    let models: Vec<(Contender, Specification)> =
        trained.versions.iter().map(|version| (version.contender, version.specification)).collect();
    let (levels, significance) = (&configuration.levels, configuration.significance);
    Ok(Judgement::of(&record, levels, significance, seat.as_ref(), &models, Detail::ByHorizon).0)
}
