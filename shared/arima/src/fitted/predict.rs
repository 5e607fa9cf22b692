//! `augurs` interface: a fitted model predicts like any other of that family.

use augurs::{Forecast as AugursForecast, ForecastIntervals, Predict};

use crate::{Error, FittedArima, Forecast};

impl Predict for FittedArima {
    type Error = Error;

    /// One-step predictions of the training series. The first d + m D values have none: differencing conditions on
    /// them, and they are given as they were.
    fn predict_in_sample_inplace(&self, level: Option<f64>, forecast: &mut AugursForecast) -> Result<(), Error> {
        let in_sample = self.in_sample()?;
        fill(forecast, Forecast::normal(in_sample.predicted.clone(), in_sample.standard_errors.clone()), level)
    }

    fn predict_inplace(&self, horizon: usize, level: Option<f64>, forecast: &mut AugursForecast) -> Result<(), Error> {
        fill(forecast, self.forecast(horizon)?, level)
    }

    fn training_data_size(&self) -> usize {
        self.in_sample.as_ref().map_or(0, |s| s.predicted.len())
    }
}

fn fill(out: &mut AugursForecast, forecast: Forecast, level: Option<f64>) -> Result<(), Error> {
    out.intervals = level
        .map(|level| {
            let interval = forecast.interval(level)?;
            Ok(ForecastIntervals { level, lower: interval.lower, upper: interval.upper })
        })
        .transpose()?;
    out.point = forecast.mean;
    Ok(())
}
