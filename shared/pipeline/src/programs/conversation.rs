//! What is said about one series, a message of JSON each way (docs/models.md). Values are sent one after the other, so that a program never
//! knows more than the period that it forecasts from.

use std::collections::BTreeMap;

use forecasting::{Bar, Kind, Outlook};
use serde::{Deserialize, Serialize};

use crate::Question;

/// What is sent.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Message<'a> {
    /// The first message.
    Begin {
        /// Which series, and what is asked of it.
        begin: Series<'a>,
    },
    /// A further one: what has come since, whether to fit anew, and whether to forecast.
    Step {
        /// What has come.
        observe: Observed,
        /// On the values from this place on.
        #[serde(skip_serializing_if = "Option::is_none")]
        fit: Option<Fit>,
        /// The columns in the periods to come, as far as they are known.
        #[serde(skip_serializing_if = "Option::is_none")]
        forecast: Option<Ahead>,
    },
    /// The last one.
    End {
        /// Always.
        end: bool,
    },
}

/// A series, and what is asked of it.
#[derive(Debug, Serialize)]
pub struct Series<'a> {
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

/// Values, the times they are of, and the columns beside them.
#[derive(Debug, Serialize)]
pub struct Observed {
    at: Vec<String>,
    values: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

/// Where the window begins.
#[derive(Debug, Serialize)]
pub struct Fit {
    from: usize,
}

/// The columns in the periods to come.
#[derive(Debug, Serialize)]
pub struct Ahead {
    columns: Vec<Vec<f64>>,
}

/// The answer to a step.
#[derive(Debug, Deserialize)]
pub struct Forecast {
    mean: Vec<f64>,
    #[serde(default)]
    quantiles: BTreeMap<String, Vec<f64>>,
}

/// The answer to the end.
#[derive(Debug, Deserialize)]
pub struct Fitted {
    #[serde(default)]
    model: Option<String>,
}

/// An answer that says nothing.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Where the standard normal distribution has nine tenths below it.
const NINE_TENTHS: f64 = 1.281_551_565_544_600_4;
const QUANTILES: [f64; 2] = [0.1, 0.9];
/// A fitted model is stored with each version, and read each night.
const MAX_MODEL: usize = 4 << 20;

impl Question<'_> {
    /// Opens the series, with what was fitted before.
    pub fn begin<'a>(&'a self, model: Option<&'a str>) -> Message<'a> {
        let Question { series, seasons, horizon, .. } = *self;
        Message::Begin {
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
        }
    }

    /// Whether it is to fit anew once it knows so many periods: a fit that was due before waits for the first forecast.
    pub fn is_to_fit(&self, known: usize) -> bool {
        self.fits.iter().any(|fit| *fit == known || (known == self.from && *fit < known))
    }

    /// Tells the periods from so many on, up to so many, and asks for a forecast.
    pub fn step(&self, sent: usize, known: usize, fit: bool) -> Message<'static> {
        let bars = self.series.bars();
        Message::Step {
            observe: observed(&bars[sent..known], self.series.regressors().len()),
            fit: fit.then(|| Fit { from: known - self.window.of_bars(&bars[..known]).len() }),
            forecast: Some(Ahead { columns: self.series.regressors_after(known, self.horizon) }),
        }
    }

    /// What a forecast amounts to that was made knowing so many periods.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn outlook(&self, forecast: &Forecast, known: usize) -> Result<Outlook, String> {
        let last = self.series.bars()[known - 1].adjusted_close;
        outlook(forecast, self.horizon, self.series.kind(), last)
    }
}

impl Fitted {
    /// What was fitted.
    ///
    /// # Errors
    /// Where it is too large to be kept.
    pub fn model(self) -> Result<Option<String>, String> {
        if self.model.as_ref().is_some_and(|model| model.len() > MAX_MODEL) {
            return Err(format!("its model is larger than {} MB", MAX_MODEL >> 20));
        }
        Ok(self.model)
    }
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
