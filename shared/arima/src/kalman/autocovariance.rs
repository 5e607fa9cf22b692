//! Autocovariances and psi weights of a stationary ARMA process with unit innovation variance.

use crate::{kalman::dual::Number, model::polynomial::step_down};

/// psi_0.. of psi(B) = theta(B) / phi(B) (Brockwell & Davis 1991, eq. (3.3.3)).
pub(crate) fn psi_weights<T: Number>(phi: &[T], theta: &[T], count: usize) -> Vec<T> {
    let mut psi: Vec<T> = Vec::with_capacity(count);
    for j in 0..count {
        let ma = if j == 0 { T::from(1.0) } else { theta.get(j - 1).copied().unwrap_or(T::from(0.0)) };
        let next = phi.iter().take(j).enumerate().fold(ma, |sum, (i, &c)| sum + c * psi[j - 1 - i]);
        psi.push(next);
    }
    psi
}

/// gamma_0 .. gamma_{count-1}; `None` where the autoregression is not stationary.
///
/// The process is theta(B) u_t with the pure autoregression phi(B) u_t = e_t, whose autocovariances the
/// Durbin-Levinson recursion gives in O(p^2) (Brockwell & Davis 1991, section 5.2); theta's own products then weigh
/// them.
pub(crate) fn arma_autocovariances<T: Number>(phi: &[T], theta: &[T], count: usize) -> Option<Vec<T>> {
    let u = ar_autocovariances(phi, count + theta.len())?;
    let products: Vec<T> = (0..=theta.len())
        .map(|lag| {
            let at = |i: usize| if i == 0 { T::from(1.0) } else { theta[i - 1] };
            (0..=theta.len() - lag).fold(T::from(0.0), |sum, i| sum + at(i) * at(i + lag))
        })
        .collect();
    let weighed = |k: usize| {
        (1..products.len()).fold(products[0] * u[k], |sum, m| sum + products[m] * (u[k + m] + u[k.abs_diff(m)]))
    };
    Some((0..count).map(weighed).collect())
}

fn ar_autocovariances<T: Number>(phi: &[T], count: usize) -> Option<Vec<T>> {
    let one = T::from(1.0);
    let partial = step_down(phi)?;
    let mut variance = one / partial.iter().fold(one, |product, &r| product * (one - r * r));
    let mut gamma = vec![variance];
    let mut coefficients: Vec<T> = Vec::with_capacity(phi.len());
    let mut previous = Vec::with_capacity(phi.len());
    for (k, &r) in partial.iter().enumerate() {
        let predicted = coefficients.iter().enumerate().fold(r * variance, |sum, (j, &c)| sum + c * gamma[k - j]);
        gamma.push(predicted);
        variance = variance * (one - r * r);
        previous.clear();
        previous.extend_from_slice(&coefficients);
        for j in 0..k {
            coefficients[j] = coefficients[j] - r * previous[k - 1 - j];
        }
        coefficients.push(r);
    }
    while gamma.len() < count {
        let t = gamma.len();
        gamma.push(phi.iter().enumerate().fold(T::from(0.0), |sum, (j, &c)| sum + c * gamma[t - 1 - j]));
    }
    gamma.truncate(count);
    gamma.iter().all(|g| g.value().is_finite()).then_some(gamma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_sum_over_psi_weights() {
        let (phi, theta) = ([0.5, -0.3_f64], [0.4, 0.2, -0.1_f64]);
        let psi = psi_weights(&phi, &theta, 400);
        let gamma = arma_autocovariances(&phi, &theta, 6).expect("stationary");
        for (k, g) in gamma.iter().enumerate() {
            let direct: f64 = (0..psi.len() - k).map(|j| psi[j] * psi[j + k]).sum();
            assert!((g - direct).abs() < 1e-13, "gamma_{k}: {g} against {direct}");
        }
    }
}
