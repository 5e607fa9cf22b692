//! Forecasts from a model's file alone, wherever it lies: no archive, no ledger.

use forecasting::{Form, PriceSeries, StandingForecast};

use super::predict::{ForecastRequest, Prediction, within_bounds};
use crate::{
    BarStatus, Error, Market, MarketData, ModelVersion, Settings, Skill, Source,
    error::about,
    price_file::{ColumnNames, PriceFile},
};

/// Forecasts from the session that the model was fitted up to, or, with newer prices at hand, from the newest of them. They must hold
/// that session, which tells what has become of the basis of the prices since.
///
/// Horizon and levels that are not asked for are those of a configuration that says nothing. The intervals are the model's own: what outcomes taught is no part of it.
///
/// # Errors
/// [`Error::Request`] names the field that is out of bounds; [`Error::RefusedData`] and [`Error::Forecasting`] for prices that cannot be used.
pub async fn predict_alone(
    version: &ModelVersion,
    values: Option<&PriceFile>,
    asked: ForecastRequest<'_>,
) -> Result<Prediction, Error> {
    let usual = Settings::default().assignment(Market::Csv, Vec::new()).configuration;
    let horizon = asked.horizon.unwrap_or(usual.horizon);
    let levels = within_bounds(horizon, if asked.levels.is_empty() { &usual.levels } else { asked.levels })?;
    let ticker = &version.inputs.ticker;
    let (origin, price, forecast) = match values {
        None => (version.last, version.last_price, version.model.forecast(horizon, &[]).map_err(about(ticker))?),
        Some(file) => {
            let (from, to) = (version.last.date(), crate::records::end_of_time());
            let form = Form { cadence: Some(version.last.cadence()), kind: version.model.kind() };
            let file = file.clone().with(ColumnNames::to_regress_on(&version.inputs.regressors));
            let rows = file.history(ticker, from, to).await?.rows;
            let ahead = rows.iter().filter(|row| row.adjusted_close.is_none()).cloned().collect::<Vec<_>>();
            let series = PriceSeries::of(ticker.clone(), rows, form).map_err(about(ticker))?;
            let series = series.with_regressors(&version.inputs.regressors, ahead, horizon);
            let (model, factor) =
                version.model.brought_up_to(version.last, version.last_price, series.bars()).map_err(about(ticker))?;
            let newest = series.last();
            let ahead = series.regressors_after(series.bars().len(), horizon);
            let forecast = model.forecast(horizon, &ahead).map_err(about(ticker))?;
            (newest.day, newest.adjusted_close, forecast.rebased(factor))
        }
    };
    let steps = StandingForecast::new(origin, price, &forecast, &forecast, &levels).steps;
    Ok(Prediction {
        ticker: ticker.clone(),
        origin,
        bar: BarStatus::Final,
        version: version.version.clone(),
        model: version.model.specification().to_string(),
        horizons: steps.into_iter().map(|step| step.served).collect(),
        skill: Skill { value: None, n: 0, source: Source::Record },
        coverage: Vec::new(),
        notice: "This is no investment advice. From the model's file alone: its own intervals, and nothing is known of how they have held."
            .to_owned(),
        streamed: None,
    })
}
