//! One ticker's pictures, from what is on record.

use forecasting::Ticker;
use pictures::{Fan, Theme};

use super::{newest_forecast, prices, residuals};
use crate::{Archive, Error, Ledger};

const FAN: (u32, u32) = (960, 420);
const RESIDUALS: (u32, u32) = (960, 560);
/// Sessions before the origin.
const SHOWN: usize = 120;

/// Prices and the fan of the newest forecast, as SVG.
///
/// # Errors
/// [`Error::NoForecast`] for a ticker without one.
pub async fn forecast_picture(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    theme: Theme,
) -> Result<String, Error> {
    let (run, newest) = newest_forecast(ledger, ticker).await?;
    let series = prices(archive, ledger, ticker, &run).await?;
    let bars = series.bars();
    let shown = &bars[bars.len().saturating_sub(SHOWN)..];
    let past: Vec<f64> = shown.iter().map(|bar| bar.adjusted_close).collect();
    let steps: Vec<_> = newest.forecast.steps.iter().map(|step| step.served.clone()).collect();
    let levels = steps.first().map(|step| step.intervals.as_slice()).unwrap_or_default();
    let levels: Vec<String> = levels.iter().map(|interval| format!("{} %", interval.level)).collect();
    let origin = newest.forecast.origin;
    let fan = Fan {
        title: format!("{ticker} \u{b7} {}", newest.champion.specification),
        subtitle: format!("Prices up to {origin}, and intervals of {}", levels.join(" and ")),
        days: (shown[0].day.to_string(), origin.to_string()),
        past: &past,
        steps: &steps,
    };
    pictures::fan(&fan, FAN, theme).map_err(|error| not_drawn(ticker, &error))
}

/// What the model in service leaves unexplained, as SVG.
///
/// # Errors
/// As for [`residuals`].
pub async fn residual_picture(
    archive: &dyn Archive,
    ledger: &dyn Ledger,
    ticker: &Ticker,
    theme: Theme,
) -> Result<String, Error> {
    let residuals = residuals(archive, ledger, ticker).await?;
    let title = format!("{ticker} \u{b7} what the {} leaves unexplained", residuals.specification);
    pictures::residuals(&title, &residuals, RESIDUALS, theme).map_err(|error| not_drawn(ticker, &error))
}

fn not_drawn(ticker: &Ticker, error: &pictures::Error) -> Error {
    Error::Damaged { key: format!("the picture of {ticker}"), reason: error.to_string() }
}
