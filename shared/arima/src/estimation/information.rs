//! Expected information: how sharply the likelihood bends, before any data is looked at.
//!
//! An innovation's derivative by phi_j is the innovations' own past, autoregressed: -1/phi(B) v_{t-j}; by theta_j it is
//! -1/theta(B) v_{t-j}, and the seasonal polynomials' likewise at multiples of m. Their covariances are the information of
//! one observation (Box & Jenkins 1976, section 7.2.6), which makes a better first metric for the optimiser than the
//! identity: the steps have the right lengths from the start.

use crate::{
    Arima,
    estimation::parameters::Arma,
    kalman::{
        autocovariance::psi_weights,
        dual::{DIRECTIONS, Dual},
        innovations::dot,
        matrix,
    },
};

/// Lags after which a response is cut off, at least: a metric needs no more.
const REACH: usize = 64;

/// The information of one observation about the optimiser's parameters u, row by row.
pub(crate) fn information(model: &Arima, u: &[f64], n: usize) -> Vec<Vec<f64>> {
    let arma = Arma::from_unconstrained(model, u);
    let period = model.seasonal.period;
    let seasons = model.seasonal.p.max(model.seasonal.q);
    let reach = (REACH + 4 * period * seasons).min(n);
    let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
    let families =
        [(arma.ar, 1), (negated(&arma.ma), 1), (arma.seasonal_ar, period), (negated(&arma.seasonal_ma), period)];
    let mut responses: Vec<Vec<f64>> = Vec::with_capacity(u.len());
    for (polynomial, lag) in &families {
        if polynomial.is_empty() {
            continue;
        }
        let decay = psi_weights(polynomial, &[], reach.div_ceil(*lag));
        for j in 1..=polynomial.len() {
            let mut response = vec![0.0; reach];
            for (to, weight) in response.iter_mut().skip(j * lag).step_by(*lag).zip(&decay) {
                *to = *weight;
            }
            responses.push(response);
        }
    }
    let jacobian = jacobian(model, u);
    // By u: each response mixed as the coefficients move.
    let by_u: Vec<Vec<f64>> = jacobian
        .iter()
        .map(|moves| {
            let mut mixed = vec![0.0; reach];
            for (weight, response) in moves.iter().zip(&responses).filter(|(weight, _)| **weight != 0.0) {
                mixed.iter_mut().zip(response).for_each(|(to, from)| *to += weight * from);
            }
            mixed
        })
        .collect();
    by_u.iter().map(|a| by_u.iter().map(|b| dot(a, b)).collect()).collect()
}

/// Keeps steps finite along directions that the likelihood does not see.
const RIDGE: f64 = 1e-2;

/// Its inverse: the optimiser's first metric.
pub(crate) fn metric(model: &Arima, u: &[f64], n: usize) -> Vec<Vec<f64>> {
    let mut information = information(model, u, n);
    for (i, row) in information.iter_mut().enumerate() {
        row[i] += RIDGE;
    }
    matrix::inverse(&information).unwrap_or_else(|| matrix::identity(u.len()))
}

/// The largest factor by which an estimate's variance grows because other coefficients could stand in for it; infinite
/// where they could entirely.
pub(crate) fn variance_inflation(model: &Arima, u: &[f64], n: usize) -> f64 {
    let information = information(model, u, n);
    matrix::inverse(&information)
        .map_or(f64::INFINITY, |inverse| (0..u.len()).map(|i| inverse[i][i] * information[i][i]).fold(1.0, f64::max))
}

/// Row i: how each coefficient moves with u_i, moving averages with the sign of [`Arima`].
pub(crate) fn jacobian(model: &Arima, u: &[f64]) -> Vec<Vec<f64>> {
    let mut rows = Vec::with_capacity(u.len());
    for start in (0..u.len()).step_by(DIRECTIONS) {
        let mut dual: Vec<Dual> = u.iter().map(|&value| Dual::from(value)).collect();
        let end = (start + DIRECTIONS).min(u.len());
        for i in start..end {
            dual[i].slope[i - start] = 1.0;
        }
        let arma = Arma::from_unconstrained(model, &dual);
        let coefficients: Vec<&Dual> =
            [&arma.ar, &arma.ma, &arma.seasonal_ar, &arma.seasonal_ma].into_iter().flatten().collect();
        rows.extend((start..end).map(|i| coefficients.iter().map(|c| c.slope[i - start]).collect::<Vec<_>>()));
    }
    rows
}
