use forecasting::{Period, Stamp, Ticker};
use jiff::civil::Date;
use serde::Serialize;

use crate::{Error, Forecasted, Key, Ledger, RunId, Stage, VersionId};

/// Who answered for a ticker on some day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// Whether it answered during that day, or from its evening on.
    pub when: When,
    /// The version that answered.
    pub version: VersionId,
    /// What it is, in words.
    pub model: String,
    /// The newest session whose price it knew.
    pub origin: Period,
    /// The last period that it forecast.
    pub until: Period,
    /// The run that made the forecast.
    pub run: RunId,
    /// When that run was opened, ISO 8601: a replay of the past was opened long after its session.
    pub opened_at: Option<String>,
    /// Session of the verdict that had put it in service.
    pub in_service_since: Stamp,
    /// The forecast table.
    pub table: Key,
}

/// A run's forecasts serve from the evening of its as-of session until the next run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Until the evening's run.
    DuringTheDay,
    /// From the evening's run on.
    FromTheEvening,
}

/// More forecasts of one session than this, by runs with other configurations, are not looked through.
const OF_ONE_SESSION: usize = 100;

/// Which versions answered on a day: of the evening before it, and of its own evening where there was a run; oldest first.
///
/// # Errors
/// [`Error::NoForecast`] of a series without a forecast, [`Error::Request`] where none had been made by then.
pub async fn answered(ledger: &dyn Ledger, ticker: &Ticker, day: Date) -> Result<Vec<Answered>, Error> {
    let nobody = || Error::NoForecast { ticker: ticker.clone() };
    let records = ledger.history(ticker, Stage::Forecast, Stamp::Date(day), OF_ONE_SESSION).await?;
    let last_before =
        records.iter().map(|record| record.as_of).find(|as_of| as_of.date().is_some_and(|date| date < day));
    let mut answers = Vec::new();
    // Oldest first; of one session there are several where somebody rolled back, or another run worked on it.
    for record in records.iter().rev() {
        let when = match record.as_of {
            as_of if as_of.date() == Some(day) => When::FromTheEvening,
            as_of if Some(as_of) == last_before => When::DuringTheDay,
            _ => continue,
        };
        let forecasted: Forecasted = record.parse()?;
        answers.push(Answered {
            when,
            version: forecasted.champion.version,
            model: forecasted.champion.specification.to_string(),
            origin: forecasted.forecast.origin,
            until: forecasted.forecast.steps.last().map_or(forecasted.forecast.origin, |step| step.served.date),
            run: record.key.run.clone(),
            opened_at: ledger.run(&record.key.run).await?.map(|entry| entry.opened_at),
            in_service_since: forecasted.champion.as_of,
            table: forecasted.table,
        });
    }
    if answers.is_empty() && ledger.champion(ticker).await?.is_some() {
        return Err(Error::Request {
            field: "date",
            reason: format!("nothing had answered for {ticker} by {day} yet"),
        });
    }
    if answers.is_empty() { Err(nobody()) } else { Ok(answers) }
}
