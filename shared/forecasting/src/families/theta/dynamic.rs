//! The dynamic optimised Theta model (Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler 2016, Int. J. Forecasting 32, 1151-1161,
//! section 3.2): simple exponential smoothing plus a share of a straight line that is estimated anew with every value.

use ::arima::Forecast;
use serde::{Deserialize, Serialize};

use crate::families::{Summary, simplex};

/// A fitted model and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dynamic {
    alpha: f64,
    theta: f64,
    level: f64,
    /// The line through all values so far, at their beginning, and its slope.
    intercept: f64,
    slope: f64,
    mean: f64,
    seen: usize,
    sigma2: f64,
}

const ALPHA: std::ops::RangeInclusive<f64> = 0.05..=0.99;
const THETA: std::ops::RangeInclusive<f64> = 1.0..=50.0;
/// The first values settle the line: their errors count for nothing.
const SETTLING: usize = 2;

impl Dynamic {
    /// Estimates it by least squares.
    pub(super) fn fit(y: &[f64]) -> Result<Dynamic, String> {
        let spread = y.iter().map(|value| (value - y[0]).abs()).fold(0.0, f64::max);
        if spread <= 0.0 {
            return Err("the series does not vary, so there is nothing to smooth".to_owned());
        }
        let run = |point: &[f64]| Dynamic::run(y, point[0], 1.0 + point[1].exp(), y[0] + spread * point[2]);
        let mut loss = |point: &[f64]| run(point).map_or(f64::INFINITY, |fitted| fitted.sigma2.ln());
        let (mut best, mut lowest) = (Vec::new(), f64::INFINITY);
        // From a slow and a fast smoothing.
        for alpha in [0.2, 0.7] {
            let (point, value) = simplex::minimise(&mut loss, &[alpha, 0.0, 0.0], 0.1);
            if value < lowest {
                (best, lowest) = (point, value);
            }
        }
        let fitted = if best.is_empty() { None } else { run(&best) };
        let mut fitted = fitted.ok_or("the Theta model cannot be estimated")?;
        // Three were estimated.
        let n = (y.len() - SETTLING) as f64;
        fitted.sigma2 *= n / (n - 3.0).max(1.0);
        Ok(fitted)
    }

    fn run(y: &[f64], alpha: f64, theta: f64, level: f64) -> Option<Dynamic> {
        if !ALPHA.contains(&alpha) || !THETA.contains(&theta) {
            return None;
        }
        let mut state =
            Dynamic { alpha, theta, level, intercept: 0.0, slope: 0.0, mean: 0.0, seen: 0, sigma2: f64::MIN_POSITIVE };
        let mut squares = 0.0;
        for (t, value) in y.iter().enumerate() {
            let expected = state.next();
            state.take(*value);
            if t >= SETTLING {
                squares += (value - expected).powi(2);
            }
        }
        state.sigma2 = (squares / (y.len() - SETTLING) as f64).max(f64::MIN_POSITIVE);
        state.sigma2.is_finite().then_some(state)
    }

    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    fn next(&self) -> f64 {
        let left = (1.0 - self.alpha).powi(i32::try_from(self.seen).unwrap_or(i32::MAX));
        let line = left * self.intercept + (1.0 - left * (1.0 - self.alpha)) / self.alpha * self.slope;
        self.level + (1.0 - 1.0 / self.theta) * line
    }

    /// What is missing came as it was expected.
    pub(super) fn take_or_expect(&mut self, value: f64) {
        let value = if value.is_nan() { self.next() } else { value };
        self.take(value);
    }

    fn take(&mut self, value: f64) {
        self.seen += 1;
        let t = self.seen as f64;
        let before = self.mean;
        self.mean = ((t - 1.0) * before + value) / t;
        self.slope =
            if self.seen == 1 { 0.0 } else { ((t - 2.0) * self.slope + 6.0 / t * (value - before)) / (t + 1.0) };
        self.intercept = self.mean - f64::midpoint(t, 1.0) * self.slope;
        self.level = self.alpha * value + (1.0 - self.alpha) * self.level;
    }

    /// What it forecasts stands in for what is to come.
    pub(super) fn forecast(&self, horizon: usize) -> Forecast {
        let mut ahead = self.clone();
        let mean = (0..horizon)
            .map(|_| {
                let next = ahead.next();
                ahead.take(next);
                next
            })
            .collect();
        let variance = |h: usize| self.sigma2 * (1.0 + h as f64 * self.alpha * self.alpha);
        let standard_error = (0..horizon).map(|h| variance(h).sqrt()).collect();
        Forecast { mean, standard_error, degrees_of_freedom: f64::INFINITY }
    }

    pub(super) fn summary(&self) -> Summary {
        let named = [("alpha", self.alpha), ("theta", self.theta), ("level", self.level), ("slope", self.slope)];
        Summary {
            coefficients: named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            sigma2: Some(self.sigma2),
            observations: self.seen,
            aicc: None,
        }
    }
}
