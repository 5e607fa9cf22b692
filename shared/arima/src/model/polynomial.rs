//! Lag polynomials. All are held without their leading 1, as in y_t = c_1 y_{t-1} + c_2 y_{t-2} + ...

use crate::kalman::dual::Number;

/// The autoregressive polynomial's lag coefficients of phi(B) Phi(B^m), where
/// phi(B) = 1 - phi_1 B - ... and Phi(B^m) = 1 - Phi_1 B^m - ...
pub(crate) fn expand_autoregressive<T: Number>(phi: &[T], seasonal: &[T], period: usize) -> Vec<T> {
    expand(phi, seasonal, period, T::from(-1.0))
}

/// The same for theta(B) Theta(B^m), whose signs are positive.
pub(crate) fn expand_moving_average<T: Number>(theta: &[T], seasonal: &[T], period: usize) -> Vec<T> {
    expand(theta, seasonal, period, T::from(1.0))
}

fn expand<T: Number>(short: &[T], seasonal: &[T], period: usize, sign: T) -> Vec<T> {
    let mut product = vec![T::from(0.0); short.len() + seasonal.len() * period];
    product[..short.len()].copy_from_slice(short);
    for (j, &s) in seasonal.iter().enumerate() {
        let lag = (j + 1) * period;
        product[lag - 1] = product[lag - 1] + s;
        for (i, &c) in short.iter().enumerate() {
            product[lag + i] = product[lag + i] + sign * s * c;
        }
    }
    product
}

/// Lag coefficients of y_t = w_t + delta_1 y_{t-1} + ... for w_t = (1-B)^d (1-B^m)^D y_t.
pub(crate) fn differencing(d: usize, seasonal_d: usize, period: usize) -> Vec<f64> {
    let mut delta = Vec::new();
    for _ in 0..d {
        delta = expand_autoregressive(&delta, &[1.0_f64], 1);
    }
    for _ in 0..seasonal_d {
        delta = expand_autoregressive(&delta, &[1.0], period);
    }
    delta
}

/// w_t = y_t - delta_1 y_{t-1} - ... for every t that has all its lags.
pub(crate) fn difference(y: &[f64], delta: &[f64]) -> Vec<f64> {
    (delta.len()..y.len())
        .map(|t| y[t] - delta.iter().enumerate().map(|(j, c)| c * y[t - 1 - j]).sum::<f64>())
        .collect()
}

/// Partial autocorrelations of the autoregression with these lag coefficients, by the Durbin-Levinson recursion run
/// downwards (Monahan 1984, Biometrika 71, eq. (2)); `None` where it is not stationary. This is the Schur-Cohn test:
/// it needs no roots.
pub(crate) fn step_down<T: Number>(phi: &[T]) -> Option<Vec<T>> {
    let mut current = phi.to_vec();
    let mut partial = phi.to_vec();
    let mut previous = Vec::with_capacity(phi.len());
    for k in (0..phi.len()).rev() {
        let r = current[k];
        if r.value().is_nan() || r.value().abs() >= 1.0 {
            return None;
        }
        partial[k] = r;
        let scale = T::from(1.0) / (T::from(1.0) - r * r);
        previous.clear();
        previous.extend((0..k).map(|j| (current[j] + r * current[k - 1 - j]) * scale));
        current[..k].copy_from_slice(&previous);
    }
    Some(partial)
}

/// The inverse of [`step_down`] (Durbin-Levinson).
pub(crate) fn step_up<T: Number>(partial: &[T]) -> Vec<T> {
    let mut phi: Vec<T> = Vec::with_capacity(partial.len());
    let mut previous = Vec::with_capacity(partial.len());
    for (k, &r) in partial.iter().enumerate() {
        previous.clear();
        previous.extend_from_slice(&phi);
        for j in 0..k {
            phi[j] = phi[j] - r * previous[k - 1 - j];
        }
        phi.push(r);
    }
    phi
}

/// Whether every root of 1 - c_1 z - ... lies outside the circle of this radius.
pub(crate) fn roots_outside(coefficients: &[f64], radius: f64) -> bool {
    let mut power = 1.0;
    let scaled: Vec<f64> = coefficients
        .iter()
        .map(|c| {
            power *= radius;
            c * power
        })
        .collect();
    step_down(&scaled).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differencing_polynomials() {
        assert_eq!(differencing(0, 0, 1), Vec::<f64>::new());
        assert_eq!(differencing(1, 0, 1), [1.0]);
        assert_eq!(differencing(2, 0, 1), [2.0, -1.0]);
        // (1-B)(1-B^4) = 1 - B - B^4 + B^5
        assert_eq!(differencing(1, 1, 4), [1.0, 0.0, 0.0, 1.0, -1.0]);
    }

    #[test]
    fn steps_invert_each_other() {
        let partial = [0.5, -0.3, 0.8, -0.95];
        let back = step_down(&step_up(&partial)).expect("stationary by construction");
        for (a, b) in partial.iter().zip(&back) {
            assert!((a - b).abs() < 1e-13, "{partial:?} != {back:?}");
        }
    }

    #[test]
    fn root_tests_follow_the_roots() {
        // 1 - z/1.005 has its root at 1.005.
        let ar = [1.0 / 1.005];
        assert!(roots_outside(&ar, 1.0) && !roots_outside(&ar, 1.01));
        // 1 - 1.2 z + 0.2 z^2 has a root at 1.
        assert!(!roots_outside(&[1.2, -0.2], 1.0));
    }
}
