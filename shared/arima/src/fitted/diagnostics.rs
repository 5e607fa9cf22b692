//! What the fit left unexplained.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::{Error, FittedArima, fitted::InSample};

/// A test of whether residuals are white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LjungBox {
    /// Q = n (n + 2) sum r_k^2 / (n - k); where residuals are missing, r_k comes from the pairs that are there, whose number
    /// takes the place of n - k.
    pub statistic: f64,
    /// Lags less the ARMA coefficients that were estimated.
    pub degrees_of_freedom: usize,
    /// Probability of so large a statistic where residuals are white.
    pub p_value: f64,
}

impl LjungBox {
    /// The test of residuals, some of which may be missing (not a number), on their first `lags` autocorrelations;
    /// `estimated` is how many coefficients were estimated on them.
    ///
    /// # Errors
    /// [`Error::Lags`] unless the lags are more than these coefficients and fewer than the residuals that are there.
    pub fn of(residuals: &[f64], lags: usize, estimated: usize) -> Result<LjungBox, Error> {
        let there = residuals.iter().filter(|e| !e.is_nan());
        let count = there.clone().count();
        if lags <= estimated || lags >= count {
            return Err(Error::Lags { least: estimated + 1, most: count.saturating_sub(1), got: lags });
        }
        let n = count as f64;
        let mean = there.sum::<f64>() / n;
        // A missing residual has no product with any other.
        let centred: Vec<f64> = residuals.iter().map(|e| if e.is_nan() { 0.0 } else { e - mean }).collect();
        let product = |lag: usize| centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum::<f64>();
        let both =
            |lag: usize| residuals[lag..].iter().zip(residuals).filter(|(a, b)| !(a.is_nan() || b.is_nan())).count();
        let variance = product(0) / n;
        // In terms of the mean product over p pairs, r_k n / p, a lag's share is its square times p (n + 2) / n.
        let share = |lag: usize| {
            let pairs = both(lag) as f64;
            if pairs > 0.0 { (product(lag) / pairs / variance).powi(2) * pairs * (n + 2.0) / n } else { 0.0 }
        };
        let (statistic, degrees_of_freedom) = ((1..=lags).map(share).sum::<f64>(), lags - estimated);
        let p_value = ChiSquared::new(degrees_of_freedom as f64).map_or(f64::NAN, |chi| chi.sf(statistic));
        Ok(LjungBox { statistic, degrees_of_freedom, p_value })
    }
}

impl FittedArima {
    /// One-step predictions of the training series, in its units, one for each value. The first d + m D are the values
    /// themselves: differencing conditions on them.
    ///
    /// # Errors
    /// [`Error::NoTrainingSeries`] for a model that was read back or advanced.
    pub fn fitted_values(&self) -> Result<&[f64], Error> {
        Ok(&self.in_sample()?.predicted)
    }

    /// Standardised residuals (value - prediction) / standard error, one for each value of the training series; not a
    /// number where the value is missing or has no prediction.
    ///
    /// # Errors
    /// [`Error::NoTrainingSeries`] for a model that was read back or advanced.
    pub fn residuals(&self) -> Result<Vec<f64>, Error> {
        let InSample { observed, predicted, standard_errors } = self.in_sample()?;
        let pairs = observed.iter().zip(predicted).zip(standard_errors);
        Ok(pairs.map(|((y, mean), error)| if *error > 0.0 { (y - mean) / error } else { f64::NAN }).collect())
    }

    /// Ljung & Box's test (1978, Biometrika 65, 297-303) on the first `lags` autocorrelations of the residuals.
    ///
    /// # Errors
    /// [`Error::Lags`] unless the lags are more than the ARMA coefficients and fewer than the residuals;
    /// [`Error::NoTrainingSeries`] for a model that was read back or advanced.
    pub fn ljung_box(&self, lags: usize) -> Result<LjungBox, Error> {
        LjungBox::of(&self.residuals()?, lags, self.model().arma_parameters())
    }
}
