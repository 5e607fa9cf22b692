//! Exact Gaussian likelihood of a differenced series, with the innovation variance and the constant concentrated out.
//!
//! With whitened innovations u = (y - X beta) run through the gains, the log-likelihood is
//! -n/2 (log 2 pi sigma2 + 1) - 1/2 sum log F_t (Harvey 1989, eq. (3.4.5)), maximised over sigma2 by the mean square of
//! u and over beta by generalised least squares: whitening is linear, so beta regresses the whitened data on the whitened
//! regressors (Harvey 1989, section 3.4.2). Only AR and MA coefficients are left to an optimiser.

use std::f64::consts::PI;

use crate::{Arima, Error, gains::Gains, polynomial};

/// A series ready for estimation: differenced, scaled to unit mean square, its regressors differenced alike.
pub(crate) struct Differenced {
    pub(crate) model: Arima,
    values: Vec<f64>,
    scale: f64,
    regressors: Vec<Regressor>,
    /// Residual mean squares below this are rounding noise of the original values.
    noise: f64,
}

struct Regressor {
    values: Vec<f64>,
    scale: f64,
}

/// The likelihood at one point, with what was concentrated out.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) sigma2: f64,
    /// Mean, then drift, as far as the model has them.
    pub(crate) constants: Vec<f64>,
    /// Infinite where the residuals vanish.
    pub(crate) log_likelihood: f64,
    /// -log-likelihood per observation up to a constant: what the optimiser minimises.
    pub(crate) objective: f64,
}

impl Differenced {
    /// Differences the series as the model says. Expects finite values and a checked model.
    pub(crate) fn new(model: Arima, y: &[f64]) -> Result<Self, Error> {
        let delta = model.differencing();
        let largest = y.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let mut values = polynomial::difference(y, &delta);
        let scale = rescale(&mut values).ok_or(Error::TooLarge)?;
        let mut regressors = Vec::new();
        if model.has_mean() {
            regressors.push(vec![1.0; y.len()]);
        }
        if model.has_drift() {
            regressors.push((1..=y.len()).map(|t| t as f64).collect());
        }
        let regressors = regressors
            .into_iter()
            .map(|column| {
                let mut values = polynomial::difference(&column, &delta);
                let scale = rescale(&mut values).ok_or(Error::TooLarge)?;
                Ok(Regressor { values, scale })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let rounding = 8.0 * f64::EPSILON * largest / scale;
        Ok(Differenced { model, values, scale, regressors, noise: rounding * rounding })
    }

    /// Observations left after differencing.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The scaled, differenced values.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Whether the constant alone explains the differenced series down to rounding.
    pub(crate) fn is_degenerate(&self) -> bool {
        self.profile(&[], &[]).is_some_and(|profile| profile.sigma2 == 0.0)
    }

    /// The likelihood at these expanded lag coefficients; `None` outside the stationary region.
    pub(crate) fn profile(&self, phi: &[f64], theta: &[f64]) -> Option<Profile> {
        let n = self.len();
        let gains = Gains::new(phi, theta, n)?;
        let mut residual = Vec::new();
        gains.whiten(&self.values, &mut residual);
        let mut whitened = Vec::with_capacity(self.regressors.len());
        for regressor in &self.regressors {
            let mut column = Vec::new();
            gains.whiten(&regressor.values, &mut column);
            whitened.push(column);
        }
        let weights = regress_out(&mut residual, whitened);
        let constants = weights.iter().zip(&self.regressors).map(|(w, r)| w * self.scale / r.scale).collect();

        let mut mean_square = residual.iter().map(|u| u * u).sum::<f64>() / n as f64;
        if mean_square <= self.noise {
            mean_square = 0.0;
        }
        let mean_log_variance = gains.sum_log_variance(n) / n as f64;
        let objective = 0.5 * (mean_square.ln() + mean_log_variance);
        let constant = 0.5 * ((2.0 * PI).ln() + 1.0) + self.scale.ln();
        Some(Profile {
            sigma2: mean_square * self.scale * self.scale,
            constants,
            log_likelihood: -(n as f64) * (objective + constant),
            objective,
        })
    }
}

/// Divides by the root mean square, so that the likelihood is the same function at every scale of the data; an all-zero
/// series keeps scale 1. `None` where even that overflows.
fn rescale(values: &mut [f64]) -> Option<f64> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 {
        return Some(1.0);
    }
    let mean_square = values.iter().map(|v| (v / largest).powi(2)).sum::<f64>() / values.len() as f64;
    let scale = largest * mean_square.sqrt();
    let usable = scale.is_finite() && scale.is_normal();
    values.iter_mut().for_each(|v| *v /= scale);
    usable.then_some(scale)
}

/// Least squares by modified Gram-Schmidt: takes the columns' part out of y and returns their weights. A column that
/// is a combination of those before it gets weight 0.
fn regress_out(y: &mut [f64], mut columns: Vec<Vec<f64>>) -> Vec<f64> {
    let count = columns.len();
    // Row i of the triangle: how much of direction i each later column, and y, holds.
    let mut triangle = vec![vec![0.0; count]; count];
    let mut projected = vec![0.0; count];
    for i in 0..count {
        let (done, rest) = columns.split_at_mut(i + 1);
        let direction = &done[i];
        let square = dot(direction, direction);
        triangle[i][i] = square;
        if square <= 0.0 {
            continue;
        }
        for (offset, column) in rest.iter_mut().enumerate() {
            let weight = dot(direction, column) / square;
            triangle[i][i + 1 + offset] = weight;
            subtract(column, direction, weight);
        }
        projected[i] = dot(direction, y) / square;
        subtract(y, direction, projected[i]);
    }
    for i in (0..count).rev() {
        let later: f64 = (i + 1..count).map(|j| triangle[i][j] * projected[j]).sum();
        projected[i] -= later;
    }
    projected
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn subtract(from: &mut [f64], direction: &[f64], weight: f64) {
    for (x, d) in from.iter_mut().zip(direction) {
        *x -= weight * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Order, state::State};

    /// The full-covariance Kalman filter knows nothing of the rank-one recursion, so it is an independent check of it.
    #[test]
    fn gains_agree_with_the_full_covariance_filter() {
        let x: Vec<f64> = (0..300).map(|t| f64::from(t * t % 17) - 8.0 + (f64::from(t) * 0.3).sin()).collect();
        let rows: &[(&[f64], &[f64])] = &[
            (&[], &[]),
            (&[0.9], &[]),
            (&[0.5, -0.3], &[0.4, 0.2]),
            (&[], &[-0.99]),
            (&[0.999], &[-0.99]),
            (&[0.0, 0.0, 0.0, 0.8], &[0.3, 0.0, 0.0, -0.7]),
            (&[], &[2.0]),
        ];
        for (phi, theta) in rows {
            let gains = Gains::new(phi, theta, x.len()).expect("stationary");
            let mut fast = Vec::new();
            gains.whiten(&x, &mut fast);
            let mut full = State::new(phi, theta).expect("stationary");
            let mut sum_log = 0.0;
            for (t, (value, u)) in x.iter().zip(&fast).enumerate() {
                let variance = full.variance();
                let innovation = full.update(*value);
                sum_log += variance.ln();
                let expected = innovation / variance.sqrt();
                assert!((u - expected).abs() < 1e-10, "phi {phi:?} theta {theta:?} t {t}: {u} against {expected}");
            }
            let difference = (gains.sum_log_variance(x.len()) - sum_log).abs();
            assert!(difference < 1e-9, "phi {phi:?} theta {theta:?}: sum of log F differs by {difference}");
        }
    }

    #[test]
    fn white_noise_has_the_textbook_likelihood() {
        let y = [1.0, 3.0, 2.0, 6.0];
        let model = Arima::new(Order { p: 0, d: 0, q: 0 }).with_mean();
        let profile = Differenced::new(model, &y).expect("fits").profile(&[], &[]).expect("white noise is stationary");
        // Mean 3, squared deviations 4 + 0 + 1 + 9.
        assert!((profile.constants[0] - 3.0).abs() < 1e-14);
        assert!((profile.sigma2 - 14.0 / 4.0).abs() < 1e-14);
        let expected = -2.0 * ((2.0 * PI * 3.5).ln() + 1.0);
        assert!((profile.log_likelihood - expected).abs() < 1e-12);
    }
}
