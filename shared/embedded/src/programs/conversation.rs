//! What is said about one series. Values are told one after the other, so that a program never knows more than the period that it
//! forecasts from.

use std::collections::BTreeMap;

use forecasting::{Bar, Kind, Outlook};
use pipeline::{Question, Said};
use serde::{Deserialize, Serialize};

use super::{Silence, process::Process};

/// The first message.
#[derive(Serialize)]
struct Begin<'a> {
    begin: Series<'a>,
}

#[derive(Serialize)]
struct Series<'a> {
    #[serde(rename = "series")]
    name: &'a str,
    kind: Kind,
    cadence: String,
    seasons: Vec<usize>,
    horizon: usize,
    quantiles: [f64; 2],
    columns: &'a [String],
    model: Option<&'a str>,
}

/// The further ones: what has come since, whether to fit anew, on the values from this place on, and whether to forecast.
#[derive(Serialize)]
struct Step<'a> {
    observe: Observed,
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<Fit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Ahead<'a>>,
}

#[derive(Serialize)]
struct Observed {
    at: Vec<String>,
    values: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Fit {
    from: usize,
}

/// The columns in the periods to come, as far as they are known.
#[derive(Serialize)]
struct Ahead<'a> {
    columns: &'a [Vec<f64>],
}

/// The last one.
#[derive(Serialize)]
struct End {
    end: bool,
}

#[derive(Deserialize)]
struct Forecast {
    mean: Vec<f64>,
    #[serde(default)]
    quantiles: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Fitted {
    #[serde(default)]
    model: Option<String>,
}

/// An answer that says nothing.
#[derive(Deserialize)]
struct Nothing {}

/// Where the standard normal distribution has nine tenths below it.
const NINE_TENTHS: f64 = 1.281_551_565_544_600_4;
const QUANTILES: [f64; 2] = [0.1, 0.9];
/// A fitted model is stored with each version, and read each night.
const LARGEST_MODEL: usize = 4 << 20;

pub(super) async fn hold(process: &mut Process, question: &Question<'_>) -> Result<Said, Silence> {
    let Question { series, seasons, horizon, window, model, fits, from, .. } = *question;
    let bars = series.bars();
    let begin = Begin {
        begin: Series {
            name: series.ticker().as_str(),
            kind: series.kind(),
            cadence: series.cadence().to_string(),
            seasons: seasons.all(),
            horizon,
            quantiles: QUANTILES,
            columns: series.regressors(),
            model,
        },
    };
    let _: Nothing = process.ask(&begin).await?;
    let mut outlooks = Vec::with_capacity(bars.len() + 1 - from);
    let mut told = 0;
    for known in from..=bars.len() {
        // A fit that was due before waits for the first forecast.
        let fit = fits.iter().any(|fit| *fit == known || (known == from && *fit < known));
        let ahead = series.regressors_after(known, horizon);
        let step = Step {
            observe: observed(&bars[told..known], series.regressors().len()),
            fit: fit.then(|| Fit { from: known - window.of_bars(&bars[..known]).len() }),
            forecast: Some(Ahead { columns: &ahead }),
        };
        told = known;
        let forecast: Forecast = process.ask(&step).await?;
        let last = bars[known - 1].adjusted_close;
        outlooks.push(outlook(&forecast, horizon, series.kind(), last).map_err(Silence::Other)?);
    }
    let Fitted { model } = process.ask(&End { end: true }).await?;
    if model.as_ref().is_some_and(|model| model.len() > LARGEST_MODEL) {
        return Err(Silence::Other(format!("its model is larger than {} MB", LARGEST_MODEL >> 20)));
    }
    Ok(Said { outlooks, model: model.filter(|_| !fits.is_empty()) })
}

fn observed(bars: &[Bar], columns: usize) -> Observed {
    Observed {
        at: bars.iter().map(|bar| bar.day.to_string()).collect(),
        values: bars.iter().map(|bar| bar.adjusted_close).collect(),
        columns: (0..columns).map(|place| bars.iter().map(|bar| bar.regressors[place]).collect()).collect(),
    }
}

fn outlook(forecast: &Forecast, horizon: usize, kind: Kind, last: f64) -> Result<Outlook, String> {
    if forecast.mean.len() != horizon {
        return Err(format!("it forecasts {} periods, and was asked for {horizon}", forecast.mean.len()));
    }
    let quantile = |share: f64| forecast.quantiles.get(&share.to_string()).filter(|ends| ends.len() == horizon);
    let errors = match QUANTILES.map(quantile) {
        [Some(lower), Some(upper)] => {
            let error = |(lower, upper): (&f64, &f64)| (kind.level(*upper) - kind.level(*lower)) / (2.0 * NINE_TENTHS);
            let errors: Vec<f64> = lower.iter().zip(upper).map(error).collect();
            Some(errors).filter(|errors| errors.iter().all(|error| error.is_finite() && *error > 0.0))
        }
        _ => None,
    };
    Outlook::of_values(kind, last, &forecast.mean, errors)
}
