//! Tables of past forecasts beside what happened: `ticker,origin,date,horizon,mean,actual,error,naive_error,inside_80,...,version`.

use forecasting::{Level, Ticker};

use crate::VersionScore;

/// The header for these levels.
pub(crate) fn header(levels: &[Level]) -> String {
    let inside: String = levels.iter().map(|level| format!("inside_{level},")).collect();
    format!("ticker,origin,date,horizon,mean,actual,error,naive_error,{inside}version\n")
}

/// One line a score. A level that the forecast did not have is left empty.
pub(crate) fn lines(ticker: &Ticker, levels: &[Level], scores: &[VersionScore]) -> String {
    let line = |VersionScore { version, score, .. }: &VersionScore| {
        let price = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        let (mean, actual) = (score.prices.map(|p| p.mean), score.prices.map(|p| p.actual));
        let held = |level: &Level| score.inside.iter().find(|(l, _)| l == level).map(|(_, held)| u8::from(*held));
        let inside: String =
            levels.iter().map(|level| held(level).map(|h| h.to_string()).unwrap_or_default() + ",").collect();
        format!(
            "{ticker},{},{},{},{},{},{},{},{inside}{version}\n",
            score.origin,
            score.date,
            score.horizon,
            price(mean),
            price(actual),
            score.error,
            score.naive_error
        )
    };
    scores.iter().map(line).collect()
}
