//! Forecast tables: `ticker,origin,date,horizon,mean,lower_80,upper_80,...,version`.

use forecasting::{Level, StandingForecast, Ticker};

use crate::VersionId;

/// The header for these levels; `lower_80,upper_80,lower_95,upper_95` by default.
pub fn header(levels: &[Level]) -> String {
    let intervals: String = levels.iter().map(|level| format!("lower_{level},upper_{level},")).collect();
    format!("ticker,origin,date,horizon,mean,{intervals}version\n")
}

/// One line a session. Numbers are in their shortest form that reads back to the same bits.
pub(crate) fn lines(ticker: &Ticker, version: &VersionId, forecast: &StandingForecast) -> String {
    forecast
        .steps
        .iter()
        .map(|step| {
            let step = &step.served;
            let intervals: String = step.intervals.iter().map(|i| format!("{},{},", i.lower, i.upper)).collect();
            let origin = forecast.origin;
            format!("{ticker},{origin},{},{},{},{intervals}{version}\n", step.date, step.horizon, step.mean)
        })
        .collect()
}
