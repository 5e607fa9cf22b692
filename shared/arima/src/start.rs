//! Starting values by Hannan & Rissanen (1982, Biometrika 69, 81-94), steps 1 and 2: a long autoregression stands in
//! for the innovations, and one regression on lags of the data and of those gives all coefficients. Seasonal lags enter
//! the regression additively: near enough to start from.

use crate::{Arima, matrix, parameters::Arma};

/// A differenced series and its approximate innovations, made once for all candidate orders.
pub(crate) struct HannanRissanen {
    x: Vec<f64>,
    innovations: Vec<f64>,
    long: usize,
}

impl HannanRissanen {
    pub(crate) fn new(values: &[f64], period: usize) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let x: Vec<f64> = values.iter().map(|v| v - mean).collect();
        let seasonal = if period > 1 { period + 2 } else { 0 };
        let long = (15 + seasonal).max((1.5 * (n as f64).ln()).ceil() as usize).min(n / 4);
        HannanRissanen { innovations: long_autoregression(&x, long), x, long }
    }

    /// Coefficients to start from; zero throughout where the regression is singular or the series too short for it.
    pub(crate) fn estimate(&self, model: &Arima) -> Arma {
        let lags = |order: usize, seasonal: usize| {
            (1..=order).chain((1..=seasonal).map(|j| j * model.seasonal.period)).collect::<Vec<_>>()
        };
        let ar = lags(model.order.p, model.seasonal.p);
        let ma = lags(model.order.q, model.seasonal.q);
        let columns = ar.len() + ma.len();
        let reach = ar.iter().chain(&ma).max().copied().unwrap_or(0);
        let first = if ma.is_empty() { reach } else { self.long + reach };
        let row = |t: usize, j: usize| match ar.get(j) {
            Some(lag) => self.x[t - lag],
            None => self.innovations[t - ma[j - ar.len()]],
        };
        let solution = if self.x.len() < first + 2 * columns + 2 {
            None
        } else {
            least_squares(columns, first..self.x.len(), row, |t| self.x[t])
        };
        let solution = solution.unwrap_or_else(|| vec![0.0; columns]);
        let (ar_part, ma_part) = solution.split_at(ar.len());
        let (ar, seasonal_ar) = ar_part.split_at(model.order.p);
        let (ma, seasonal_ma) = ma_part.split_at(model.order.q);
        Arma { ar: ar.to_vec(), ma: ma.to_vec(), seasonal_ar: seasonal_ar.to_vec(), seasonal_ma: seasonal_ma.to_vec() }
    }
}

/// One-step residuals of a Yule-Walker autoregression of this order.
fn long_autoregression(x: &[f64], order: usize) -> Vec<f64> {
    let gamma: Vec<f64> = (0..=order).map(|k| x[k..].iter().zip(x).map(|(a, b)| a * b).sum::<f64>()).collect();
    let mut phi: Vec<f64> = Vec::with_capacity(order);
    let mut variance = gamma[0];
    for k in 0..order {
        if variance <= 0.0 {
            break;
        }
        let explained: f64 = phi.iter().enumerate().map(|(j, c)| c * gamma[k - j]).sum();
        let r = (gamma[k + 1] - explained) / variance;
        let previous = phi.clone();
        for j in 0..k {
            phi[j] -= r * previous[k - 1 - j];
        }
        phi.push(r);
        variance *= 1.0 - r * r;
    }
    let mut residuals = x.to_vec();
    for (lag, c) in phi.iter().enumerate() {
        for (e, past) in residuals[(lag + 1).min(x.len())..].iter_mut().zip(x) {
            *e -= c * past;
        }
    }
    residuals
}

/// Solves the normal equations; `None` where they are singular.
fn least_squares(
    columns: usize,
    rows: std::ops::Range<usize>,
    row: impl Fn(usize, usize) -> f64,
    target: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    let mut products = vec![vec![0.0; columns]; columns];
    let mut solution = vec![0.0; columns];
    for t in rows {
        for i in 0..columns {
            let value = row(t, i);
            solution[i] += value * target(t);
            for (j, entry) in products[i].iter_mut().enumerate().take(i + 1) {
                *entry += value * row(t, j);
            }
        }
    }
    matrix::solve(&matrix::cholesky(&products)?, &mut solution);
    Some(solution)
}
