//! Box & Cox's power transforms (1964, J. Royal Statistical Society B 26, 211-252), and the way back.

use std::fmt;

use crate::{Error, Forecast, Interval};

/// x = (y^lambda - 1) / lambda, or log y where lambda is 0.
///
/// ```
/// use arima::{AutoArima, BoxCox};
/// use augurs::Fit;
///
/// let prices: Vec<f64> = (1..=80).map(|t| (f64::from(t) * 0.02 + f64::from(t * t % 7) * 0.01).exp()).collect();
/// let log = BoxCox::LOG;
/// let fitted = AutoArima::default().fit(&log.apply(&prices)?)?;
/// let forecast = log.restore(fitted.forecast(5)?);
/// assert!(forecast.median()[0] < forecast.mean()?[0]);
/// # Ok::<(), arima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxCox {
    lambda: f64,
}

impl BoxCox {
    /// The logarithm.
    pub const LOG: BoxCox = BoxCox { lambda: 0.0 };

    /// The transform with this power.
    ///
    /// # Errors
    /// [`Error::Transform`] unless -5 <= lambda <= 5: beyond lies no power that anyone has met.
    pub fn new(lambda: f64) -> Result<Self, Error> {
        if !(-5.0..=5.0).contains(&lambda) {
            return Err(Error::Transform { what: format!("lambda is {lambda}, outside -5 to 5") });
        }
        Ok(BoxCox { lambda })
    }

    /// Transforms a series; a missing value stays one.
    ///
    /// # Errors
    /// [`Error::Transform`] for a value that is negative, or zero where lambda is not positive.
    pub fn apply(&self, y: &[f64]) -> Result<Vec<f64>, Error> {
        y.iter()
            .enumerate()
            .map(|(index, &value)| {
                let transformed = self.forward(value);
                let outside = value < 0.0 || (value == 0.0 && self.lambda <= 0.0) || transformed.is_infinite();
                if outside {
                    let what = format!("value {index} of the series is {value}, which {self} cannot take");
                    return Err(Error::Transform { what });
                }
                Ok(transformed)
            })
            .collect()
    }

    /// A forecast of the transformed series as one of the series itself.
    pub fn restore(self, transformed: Forecast) -> RestoredForecast {
        RestoredForecast { transform: self, transformed }
    }

    /// The transform of a value; not a number, or infinite, for one that it cannot take.
    pub fn forward(self, y: f64) -> f64 {
        if self.lambda == 0.0 { y.ln() } else { (self.lambda * y.ln()).exp_m1() / self.lambda }
    }

    /// The way back. Beyond the transform's range lies the value at its end: 0, or infinity for a negative lambda.
    pub fn back(self, x: f64) -> f64 {
        if self.lambda == 0.0 {
            return x.exp();
        }
        ((self.lambda * x).max(-1.0).ln_1p() / self.lambda).exp()
    }
}

/// "the logarithm", or "power 0.5".
impl fmt::Display for BoxCox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lambda == 0.0 { f.write_str("the logarithm") } else { write!(f, "power {}", self.lambda) }
    }
}

/// A forecast of a series through that of its transform.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoredForecast {
    transform: BoxCox,
    transformed: Forecast,
}

/// Half-width of the range over which a mean is integrated, in standard errors about the integrand's mode: beyond lies
/// less than 1e-20 of it.
const RANGE: f64 = 10.0;

/// Simpson intervals on it.
const INTERVALS: u32 = 400;

impl RestoredForecast {
    /// The medians, one a step: a monotone transform keeps quantiles.
    pub fn median(&self) -> Vec<f64> {
        self.back(&self.transformed.mean)
    }

    /// The means, one a step, of normally distributed transformed values. For the logarithm it is exp(mean + variance / 2),
    /// otherwise an integral over the normal density.
    ///
    /// # Errors
    /// [`Error::Transform`] where no mean exists: lambda is negative, so that the value reaches infinity with positive
    /// probability, or the forecast follows a Student distribution (it is predictive) and lambda is below 1.
    pub fn mean(&self) -> Result<Vec<f64>, Error> {
        let lambda = self.transform.lambda;
        if lambda < 0.0 {
            return Err(Error::Transform {
                what: format!("{} leaves the forecast no mean: take the median", self.transform),
            });
        }
        let Forecast { mean, standard_error, degrees_of_freedom } = &self.transformed;
        if degrees_of_freedom.is_finite() && lambda < 1.0 {
            let what =
                format!("{} leaves a predictive forecast no mean: take the median, or a plug-in one", self.transform);
            return Err(Error::Transform { what });
        }
        Ok(mean.iter().zip(standard_error).map(|(m, s)| self.mean_at(*m, *s)).collect())
    }

    fn mean_at(&self, mean: f64, standard_error: f64) -> f64 {
        if self.transform.lambda == 0.0 {
            return (mean + 0.5 * standard_error * standard_error).exp();
        }
        // Where z = s / (1 + lambda (m + s z)), the derivative of the integrand's logarithm vanishes.
        let (lambda, level) = (self.transform.lambda, 1.0 + self.transform.lambda * mean);
        let root = (level * level + 4.0 * lambda * standard_error * standard_error).sqrt();
        let mode = if level + root > 0.0 { 2.0 * standard_error / (level + root) } else { 0.0 };
        let step = 2.0 * RANGE / f64::from(INTERVALS);
        let simpson = |i: u32| if i == 0 || i == INTERVALS { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
        let at = |i: u32| {
            let z = mode - RANGE + f64::from(i) * step;
            simpson(i) * (-0.5 * z * z).exp() * self.transform.back(mean + standard_error * z)
        };
        (0..=INTERVALS).map(at).sum::<f64>() * step / 3.0 / (2.0 * std::f64::consts::PI).sqrt()
    }

    /// The central interval that holds each future value with this probability.
    ///
    /// # Errors
    /// [`Error::Level`] unless 0 < level < 1.
    pub fn interval(&self, level: f64) -> Result<Interval, Error> {
        let Interval { lower, upper } = self.transformed.interval(level)?;
        Ok(Interval { lower: self.back(&lower), upper: self.back(&upper) })
    }

    fn back(&self, x: &[f64]) -> Vec<f64> {
        x.iter().map(|x| self.transform.back(*x)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(lambda: f64, mean: f64, standard_error: f64) -> RestoredForecast {
        let transform = BoxCox::new(lambda).expect("a power");
        transform.restore(Forecast::normal(vec![mean], vec![standard_error]))
    }

    #[test]
    fn means_that_have_a_formula() {
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-10, "{a} {b}");
        let mean = |lambda, m, s| restored(lambda, m, s).mean().expect("a mean")[0];
        near(mean(1.0, 7.0, 0.5), 8.0);
        near(mean(0.5, 7.0, 0.5), 4.5 * 4.5 + 0.25 * 0.25);
        near(mean(0.0, 1.0, 0.5), 1.125_f64.exp());
        // Continuous in lambda.
        assert!((mean(1e-7, 1.0, 0.5) / mean(0.0, 1.0, 0.5) - 1.0).abs() < 1e-6);
        assert!((mean(1e-9, 1.0, 8.0) / mean(0.0, 1.0, 8.0) - 1.0).abs() < 1e-4);
        assert!(restored(-0.5, 1.0, 0.1).mean().is_err());
    }

    #[test]
    fn the_ends_of_the_range() {
        let ends = restored(0.5, 0.0, 10.0).interval(0.95).expect("a level");
        assert_eq!(ends.lower, [0.0]);
        assert!(ends.upper[0].is_finite());
        assert_eq!(restored(-0.5, 0.0, 10.0).interval(0.95).expect("a level").upper, [f64::INFINITY]);
        assert!(BoxCox::LOG.apply(&[1.0, 0.0]).is_err() && BoxCox::new(f64::NAN).is_err());
        assert_eq!(BoxCox::new(0.5).expect("a power").apply(&[0.0, 1.0, 4.0]).expect("in range"), [-2.0, 0.0, 2.0]);
    }
}
