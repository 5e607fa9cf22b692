//! Starting values by Hannan & Rissanen (1982, Biometrika 69, 81-94), steps 1 and 2: a long autoregression stands in
//! for the innovations, and one regression on lags of the data and of those gives both sets of coefficients.

use crate::{Arima, parameters::Arma};

/// AR and MA coefficients to start from; seasonal ones at zero. Zero throughout where the regression is singular.
pub(crate) fn hannan_rissanen(model: &Arima, x: &[f64]) -> Arma {
    let (p, q) = (model.order.p, model.order.q);
    let zero = Arma {
        ar: vec![0.0; p],
        ma: vec![0.0; q],
        seasonal_ar: vec![0.0; model.seasonal.p],
        seasonal_ma: vec![0.0; model.seasonal.q],
    };
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let x: Vec<f64> = x.iter().map(|v| v - mean).collect();
    let long = (p + q + 5).max((1.5 * (x.len() as f64).ln()).ceil() as usize).min(x.len() / 4);
    let first = if q == 0 { p } else { long + p.max(q) };
    if x.len() < first + 2 * (p + q) + 2 {
        return zero;
    }
    let innovations = if q == 0 { Vec::new() } else { long_autoregression(&x, long) };
    let row = |t: usize, j: usize| if j < p { x[t - 1 - j] } else { innovations[t - 1 - (j - p)] };
    let Some(solution) = least_squares(p + q, first..x.len(), row, |t| x[t]) else {
        return zero;
    };
    Arma { ar: solution[..p].to_vec(), ma: solution[p..].to_vec(), ..zero }
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
    (0..x.len()).map(|t| x[t] - phi.iter().take(t).enumerate().map(|(j, c)| c * x[t - 1 - j]).sum::<f64>()).collect()
}

/// Solves the normal equations by Cholesky; `None` where they are singular.
fn least_squares(
    columns: usize,
    rows: std::ops::Range<usize>,
    row: impl Fn(usize, usize) -> f64,
    target: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    let mut lower = vec![vec![0.0; columns]; columns];
    let mut solution = vec![0.0; columns];
    for t in rows {
        for i in 0..columns {
            let value = row(t, i);
            solution[i] += value * target(t);
            for (j, entry) in lower[i].iter_mut().enumerate().take(i + 1) {
                *entry += value * row(t, j);
            }
        }
    }
    for i in 0..columns {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = lower[i][j] - inner;
            if i == j {
                if rest <= 1e-10 * lower[i][i] || rest.is_nan() {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    for i in 0..columns {
        let inner: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
        solution[i] = (solution[i] - inner) / lower[i][i];
    }
    for i in (0..columns).rev() {
        let inner: f64 = (i + 1..columns).map(|k| lower[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - inner) / lower[i][i];
    }
    Some(solution)
}
