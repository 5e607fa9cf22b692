use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::Error;

/// Forecast of the next observations: one mean and one standard error a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Means, one a step.
    pub mean: Vec<f64>,
    /// Standard errors, one a step.
    pub standard_error: Vec<f64>,
    /// Of the Student distribution that each (value - mean) / standard error follows; infinite for the normal one.
    pub degrees_of_freedom: f64,
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
    pub(crate) fn normal(mean: Vec<f64>, standard_error: Vec<f64>) -> Forecast {
        Forecast { mean, standard_error, degrees_of_freedom: f64::INFINITY }
    }

    /// The central interval that holds each future value with this probability.
    ///
    /// # Errors
    /// [`Error::Level`] unless 0 < level < 1; [`Error::DegreesOfFreedom`] unless they are above 0.
    pub fn interval(&self, level: f64) -> Result<Interval, Error> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::Level { got: level });
        }
        let probability = 0.5 + level / 2.0;
        let freedom = self.degrees_of_freedom;
        let quantile = match StudentsT::new(0.0, 1.0, freedom) {
            _ if freedom == f64::INFINITY => Normal::standard().inverse_cdf(probability),
            Ok(student) => student.inverse_cdf(probability),
            Err(_) => return Err(Error::DegreesOfFreedom { got: freedom }),
        };
        let at = |sign: f64| self.mean.iter().zip(&self.standard_error).map(|(m, s)| m + sign * quantile * s).collect();
        Ok(Interval { lower: at(-1.0), upper: at(1.0) })
    }
}
