//! Autocovariances and psi weights of a stationary ARMA process with unit innovation variance.

use crate::polynomial::step_down;

/// psi_0.. of psi(B) = theta(B) / phi(B) (Brockwell & Davis 1991, eq. (3.3.3)).
pub(crate) fn psi_weights(phi: &[f64], theta: &[f64], count: usize) -> Vec<f64> {
    let mut psi = Vec::with_capacity(count);
    for j in 0..count {
        let ma = if j == 0 { 1.0 } else { theta.get(j - 1).copied().unwrap_or(0.0) };
        let ar: f64 = phi.iter().take(j).enumerate().map(|(i, c)| c * psi[j - 1 - i]).sum();
        psi.push(ma + ar);
    }
    psi
}

/// gamma_0 .. gamma_{count-1}; `None` where the autoregression is not stationary.
///
/// The process is theta(B) u_t with the pure autoregression phi(B) u_t = e_t, whose autocovariances the
/// Durbin-Levinson recursion gives in O(p^2) (Brockwell & Davis 1991, section 5.2); theta's own products then weigh
/// them.
pub(crate) fn arma_autocovariances(phi: &[f64], theta: &[f64], count: usize) -> Option<Vec<f64>> {
    let u = ar_autocovariances(phi, count + theta.len())?;
    let products: Vec<f64> = (0..=theta.len())
        .map(|lag| {
            let at = |i: usize| if i == 0 { 1.0 } else { theta[i - 1] };
            (0..=theta.len() - lag).map(|i| at(i) * at(i + lag)).sum()
        })
        .collect();
    Some(
        (0..count)
            .map(|k| {
                let both_sides: f64 = (1..products.len()).map(|m| products[m] * (u[k + m] + u[k.abs_diff(m)])).sum();
                products[0] * u[k] + both_sides
            })
            .collect(),
    )
}

fn ar_autocovariances(phi: &[f64], count: usize) -> Option<Vec<f64>> {
    let partial = step_down(phi)?;
    let mut variance = 1.0 / partial.iter().map(|r| 1.0 - r * r).product::<f64>();
    let mut gamma = vec![variance];
    let mut coefficients: Vec<f64> = Vec::with_capacity(phi.len());
    for (k, &r) in partial.iter().enumerate() {
        let predicted: f64 = coefficients.iter().enumerate().map(|(j, c)| c * gamma[k - j]).sum();
        gamma.push(predicted + r * variance);
        variance *= 1.0 - r * r;
        let previous = coefficients.clone();
        for j in 0..k {
            coefficients[j] -= r * previous[k - 1 - j];
        }
        coefficients.push(r);
    }
    while gamma.len() < count {
        let t = gamma.len();
        gamma.push(phi.iter().enumerate().map(|(j, c)| c * gamma[t - 1 - j]).sum());
    }
    gamma.truncate(count);
    gamma.iter().all(|g| g.is_finite()).then_some(gamma)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_sum_over_psi_weights() {
        let (phi, theta) = ([0.5, -0.3], [0.4, 0.2, -0.1]);
        let psi = psi_weights(&phi, &theta, 400);
        let gamma = arma_autocovariances(&phi, &theta, 6).expect("stationary");
        for (k, g) in gamma.iter().enumerate() {
            let direct: f64 = (0..psi.len() - k).map(|j| psi[j] * psi[j + k]).sum();
            assert!((g - direct).abs() < 1e-13, "gamma_{k}: {g} against {direct}");
        }
    }
}
