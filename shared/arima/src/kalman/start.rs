//! Starting values by Hannan & Rissanen (1982, Biometrika 69, 81-94), steps 1 and 2: a long autoregression stands in
//! for the innovations, and one regression on lags of the data and of those gives all coefficients. Seasonal lags enter
//! the regression additively: near enough to start from.

use crate::{
    Arima,
    estimation::parameters::Arma,
    kalman::{innovations::dot, matrix},
};

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
        let solution = if self.x.len() < first + 2 * columns + 2 {
            None
        } else {
            let rows = |lag: &usize| first - lag..self.x.len() - lag;
            let past = ar.iter().map(|lag| &self.x[rows(lag)]);
            let columns: Vec<&[f64]> = past.chain(ma.iter().map(|lag| &self.innovations[rows(lag)])).collect();
            least_squares(&columns, &self.x[first..])
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
fn least_squares(columns: &[&[f64]], target: &[f64]) -> Option<Vec<f64>> {
    let products: Vec<Vec<f64>> = columns.iter().map(|a| columns.iter().map(|b| dot(a, b)).collect()).collect();
    let mut solution: Vec<f64> = columns.iter().map(|column| dot(column, target)).collect();
    matrix::solve(&matrix::cholesky(&products)?, &mut solution);
    Some(solution)
}
