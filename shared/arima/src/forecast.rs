use statrs::distribution::{ContinuousCDF, Normal};

use crate::Error;

/// Forecast of the next observations: one mean and one standard error a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Means, one a step.
    pub mean: Vec<f64>,
    /// Standard errors, one a step.
    pub standard_error: Vec<f64>,
}

/// A central prediction interval at each step.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Lower ends.
    pub lower: Vec<f64>,
    /// Upper ends.
    pub upper: Vec<f64>,
}

impl Forecast {
    /// The central interval that holds each future value with this probability.
    ///
    /// # Errors
    /// [`Error::Level`] unless 0 < level < 1.
    pub fn interval(&self, level: f64) -> Result<Interval, Error> {
        let z = central_quantile(level)?;
        let at = |sign: f64| self.mean.iter().zip(&self.standard_error).map(|(m, s)| m + sign * z * s).collect();
        Ok(Interval { lower: at(-1.0), upper: at(1.0) })
    }
}

/// z such that a standard normal value falls within +-z with this probability.
pub(crate) fn central_quantile(level: f64) -> Result<f64, Error> {
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::Level { got: level });
    }
    Ok(Normal::standard().inverse_cdf(0.5 + level / 2.0))
}
