use forecasting::{Ticker, TradingDay};
use jiff::{ToSpan, civil::Date};
use serde::Serialize;

use super::committed::parse;
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
    pub origin: TradingDay,
    /// The run that made the forecast.
    pub run: RunId,
    /// Session of the verdict that had put it in service.
    pub in_service_since: TradingDay,
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

/// Which version answered on a day: that of the evening before it, and that of its own evening where there was a run.
///
/// # Errors
/// [`Error::NoForecast`] where none had been made by then.
pub async fn answered(ledger: &dyn Ledger, ticker: &Ticker, day: Date) -> Result<Vec<Answered>, Error> {
    let nobody = || Error::NoForecast { ticker: ticker.clone() };
    let session = last_session(day).ok_or_else(nobody)?;
    let records = ledger.history(ticker, Stage::Forecast, session, OF_ONE_SESSION).await?;
    let evening = records.first().filter(|record| record.as_of.date() == day);
    let before = records.iter().find(|record| record.as_of.date() < day);
    let told = [(When::DuringTheDay, before), (When::FromTheEvening, evening)];
    let mut answers = Vec::new();
    for (when, record) in told {
        let Some(record) = record else { continue };
        let forecasted: Forecasted = parse(record)?;
        answers.push(Answered {
            when,
            version: forecasted.champion.version,
            model: forecasted.champion.specification.to_string(),
            origin: forecasted.forecast.origin,
            run: record.key.run.clone(),
            in_service_since: forecasted.champion.as_of,
            table: forecasted.table,
        });
    }
    if answers.is_empty() { Err(nobody()) } else { Ok(answers) }
}

/// The session on this day, or the last one before it.
fn last_session(day: Date) -> Option<TradingDay> {
    day.series(-1.day()).take(10).find_map(|date| TradingDay::new(date).ok())
}
