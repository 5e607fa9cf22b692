//! The Kalman filter of a stationary ARMA process, reduced to its gains.
//!
//! State space form of Harvey (1989), section 3.3, with r = max(p, q + 1): x_t is the state's first element and
//! T has phi in its first column and ones above its diagonal. Gains do not depend on the data, so they are computed
//! once per parameter vector and every series (the data, and each regressor) runs through them.
//!
//! Started from its stationary covariance, successive one-step covariances of a time-invariant model differ by a matrix
//! of rank one. Morf, Sidhu & Kailath (1974, IEEE Trans. Autom. Control 19, 315-323) propagate that one vector instead
//! of the r x r matrix: O(r) a step rather than O(r^2); Melard (1984, Applied Statistics 33, 104-114) did so for ARMA.
//! With G_t = T P_t Z', F_t = Z P_t Z', s_t = Z L_t:
//!
//! ```text
//! G_{t+1} = G_t + M_t s_t T L_t        F_{t+1} = F_t + M_t s_t^2
//! L_{t+1} = T L_t - (s_t / F_t) G_t    M_{t+1} = M_t F_t / F_{t+1}      L_1 = G_1, M_1 = -1 / F_1
//! ```
//!
//! Once the covariance has settled the gain is constant; for an invertible moving average its limit is known exactly
//! (F = 1, G_i = phi_i + theta_i), and it is the exact limit that is used from there on.

use crate::kalman::{
    autocovariance::{arma_autocovariances, psi_weights},
    dual::Number,
};

/// When the rank-one difference of two successive covariances is this small against F, the filter has settled: what is
/// left changes each log F by less than this.
const SETTLED: f64 = 1e-15;

/// Runs a method on vectors of r numbers. Up to 6 they are arrays, which the compiler keeps in registers.
macro_rules! with_vectors {
    ($r:expr, $gains:ident.$method:ident($($argument:expr),*)) => {
        match $r {
            1 => $gains.$method([0.0; 1], $($argument),*),
            2 => $gains.$method([0.0; 2], $($argument),*),
            3 => $gains.$method([0.0; 3], $($argument),*),
            4 => $gains.$method([0.0; 4], $($argument),*),
            5 => $gains.$method([0.0; 5], $($argument),*),
            6 => $gains.$method([0.0; 6], $($argument),*),
            r => $gains.$method(vec![0.0; r], $($argument),*),
        }
    };
}

/// r numbers.
trait Vector: Clone + AsRef<[f64]> + AsMut<[f64]> {}

impl<T: Clone + AsRef<[f64]> + AsMut<[f64]>> Vector for T {}

/// Gains of the steps before the filter settles, and what it takes to differentiate them.
#[derive(Debug, Default)]
pub(crate) struct Gains {
    pub(crate) r: usize,
    /// phi_1.., padded to r.
    pub(crate) phi: Vec<f64>,
    /// G_t, r values a step.
    gain: Vec<f64>,
    /// F_t for the same steps.
    variance: Vec<f64>,
    /// 1 / F_t.
    inverse: Vec<f64>,
    /// L_t and M_t.
    difference: Vec<f64>,
    scale: Vec<f64>,
    pub(crate) end: End,
}

/// What the filter does after the steps that were stored.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum End {
    /// There are no more observations.
    #[default]
    Exhausted,
    /// The limit of an invertible moving average: the innovations are those of the difference equation, with F = 1.
    DifferenceEquation,
    /// The limit of another moving average, which is not that of its coefficients: K and F.
    Constant(Vec<f64>, f64),
}

/// G_1[i] = cov(T a_t, x_t), what of the next state the present observation explains; and F_1.
pub(crate) fn initial<T: Number>(phi: &[T], theta: &[T]) -> Option<(Vec<T>, T)> {
    let r = phi.len().max(theta.len() + 1);
    let gamma = arma_autocovariances(phi, theta, r)?;
    let psi = psi_weights(phi, theta, r);
    let gain = (1..=r)
        .map(|i| {
            let ar = (i..=phi.len()).fold(T::from(0.0), |sum, k| sum + phi[k - 1] * gamma[k - i]);
            (i..=theta.len()).fold(ar, |sum, k| sum + theta[k - 1] * psi[k - i])
        })
        .collect();
    Some((gain, gamma[0]))
}

impl Gains {
    /// Computes the gains for n observations; `None` where the process is not stationary.
    pub(crate) fn compute(&mut self, phi: &[f64], theta: &[f64], invertible: bool, n: usize) -> Option<()> {
        let (gain, variance) = initial(phi, theta)?;
        self.r = gain.len();
        self.phi.clear();
        self.phi.extend_from_slice(phi);
        self.phi.resize(self.r, 0.0);
        with_vectors!(self.r, self.settle(&gain, variance, invertible, n))
    }

    fn settle<V: Vector>(&mut self, zero: V, first: &[f64], variance: f64, invertible: bool, n: usize) -> Option<()> {
        for stored in [&mut self.gain, &mut self.variance, &mut self.inverse, &mut self.difference, &mut self.scale] {
            stored.clear();
        }
        let (mut phi, mut gain, mut difference) = (zero.clone(), zero.clone(), zero);
        let (phi, gain, difference) = (phi.as_mut(), gain.as_mut(), difference.as_mut());
        phi.copy_from_slice(&self.phi);
        gain.copy_from_slice(first);
        difference.copy_from_slice(first);
        let r = phi.len();
        let mut variance = variance;
        let mut inverse = 1.0 / variance;
        let mut scale = -inverse;
        self.end = End::Exhausted;
        while self.variance.len() < n {
            let largest = difference.iter().fold(0.0_f64, |m, l| m.max(l.abs()));
            if scale.abs() * largest * largest <= SETTLED * variance {
                self.end = if invertible {
                    End::DifferenceEquation
                } else {
                    End::Constant(gain.iter().map(|g| g * inverse).collect(), variance)
                };
                break;
            }
            self.gain.extend_from_slice(gain);
            self.variance.push(variance);
            self.inverse.push(inverse);
            self.difference.extend_from_slice(difference);
            self.scale.push(scale);

            let s = difference[0];
            let next_variance = variance + scale * s * s;
            if !(next_variance.is_finite() && next_variance > 0.0) {
                return None;
            }
            let (weight, step) = (s * inverse, scale * s);
            for i in 0..r {
                let shifted = phi[i] * s + if i + 1 < r { difference[i + 1] } else { 0.0 };
                difference[i] = shifted - weight * gain[i];
                gain[i] += step * shifted;
            }
            inverse = 1.0 / next_variance;
            scale *= variance * inverse;
            variance = next_variance;
        }
        Some(())
    }

    /// Steps before the filter settled.
    pub(crate) fn steps(&self) -> usize {
        self.variance.len()
    }

    /// F_t of those steps.
    pub(crate) fn variances(&self) -> &[f64] {
        &self.variance
    }

    /// Sum over n observations of log F_t.
    pub(crate) fn sum_log_variance(&self, n: usize) -> f64 {
        let mut sum = 0.0;
        let mut product = 1.0;
        for variance in &self.variance {
            product *= variance;
            // One logarithm for many factors, long before they could overflow.
            if !(1e-100..1e100).contains(&product) {
                sum += product.ln();
                product = 1.0;
            }
        }
        sum += product.ln();
        if let End::Constant(_, variance) = self.end {
            sum += (n - self.steps()) as f64 * variance.ln();
        }
        sum
    }

    /// Runs the stored steps over a series: innovations into `out`, and the state after them.
    pub(crate) fn run(&self, x: &[f64], out: &mut Vec<f64>) -> Vec<f64> {
        with_vectors!(self.r, self.run_with(x, out))
    }

    fn run_with<V: Vector>(&self, zero: V, x: &[f64], out: &mut Vec<f64>) -> Vec<f64> {
        let (mut phi, mut state) = (zero.clone(), zero);
        let (phi, state) = (phi.as_mut(), state.as_mut());
        phi.copy_from_slice(&self.phi);
        let r = phi.len();
        let steps = self.gain.chunks_exact(r).zip(&self.inverse);
        out.extend(x.iter().zip(steps).map(|(&value, (gain, inverse))| {
            let predicted = state[0];
            let innovation = value - predicted;
            let weight = innovation * inverse;
            for i in 0..r {
                let shifted = if i + 1 < r { state[i + 1] } else { 0.0 };
                state[i] = shifted + phi[i] * predicted + gain[i] * weight;
            }
            innovation
        }));
        state.to_vec()
    }

    /// Takes the objective's derivatives back through the stored steps.
    ///
    /// The objective is sum v_t^2 / F_t * weight / 2 + sum log F_t / (2n). `state` is its derivative by the state after
    /// the steps; what it is by phi is added to `by_phi`; the answer is what it is by G_1 and F_1.
    pub(crate) fn adjoint(
        &self,
        x: &[f64],
        innovations: &[f64],
        weight: f64,
        n: f64,
        state: &[f64],
        by_phi: &mut [f64],
    ) -> (Vec<f64>, f64) {
        with_vectors!(self.r, self.adjoint_with(x, innovations, weight, n, state, by_phi))
    }

    // The arguments of `adjoint`, and zeros to make vectors from, which `with_vectors` gives by value. One loop, and long: a step's two halves
    // share a dozen derivatives, which would have to be handed back and forth.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn adjoint_with<V: Vector>(
        &self,
        zero: V,
        x: &[f64],
        innovations: &[f64],
        weight: f64,
        n: f64,
        by_state: &[f64],
        by_phi_out: &mut [f64],
    ) -> (Vec<f64>, f64) {
        let [mut phi, mut by_phi, mut by_gain, mut by_difference, mut state] = std::array::from_fn(|_| zero.clone());
        let (phi, by_phi, by_gain) = (phi.as_mut(), by_phi.as_mut(), by_gain.as_mut());
        let (by_difference, state) = (by_difference.as_mut(), state.as_mut());
        phi.copy_from_slice(&self.phi);
        state.copy_from_slice(by_state);
        let r = phi.len();
        let (mut by_variance, mut by_scale) = (0.0, 0.0);
        let mut next_inverse = 0.0;
        for t in (0..self.steps()).rev() {
            let gain = &self.gain[t * r..][..r];
            let difference = &self.difference[t * r..][..r];
            let (variance, inverse, scale) = (self.variance[t], self.inverse[t], self.scale[t]);

            // Back through the step from t to t + 1 of the gains; nothing depends on what follows the last one.
            let s = difference[0];
            by_variance -= by_scale * scale * variance * next_inverse * next_inverse;
            let mut variance_here = by_scale * scale * next_inverse + by_variance;
            let mut scale_here = by_scale * variance * next_inverse + by_variance * s * s;
            let mut by_s = 2.0 * by_variance * scale * s;
            let (ratio, step) = (s * inverse, scale * s);
            let mut by_ratio = 0.0;
            let mut gain_by_shifted = 0.0;
            let mut carried = 0.0;
            for i in 0..r {
                let shifted = phi[i] * s + if i + 1 < r { difference[i + 1] } else { 0.0 };
                let by_shifted = by_difference[i] + by_gain[i] * step;
                by_ratio -= by_difference[i] * gain[i];
                gain_by_shifted += by_gain[i] * shifted;
                by_gain[i] -= ratio * by_difference[i];
                by_phi[i] += by_shifted * s;
                by_s += by_shifted * phi[i];
                // The shift's transpose: one place further.
                by_difference[i] = carried;
                carried = by_shifted;
            }
            scale_here += s * gain_by_shifted;
            by_s += scale * gain_by_shifted + by_ratio * inverse;
            variance_here -= by_ratio * ratio * inverse;
            by_difference[0] = by_s;

            // Back through the innovation of observation t.
            let innovation = innovations[t];
            let predicted = x[t] - innovation;
            let scaled = innovation * inverse;
            let mut by_predicted = 0.0;
            let mut by_scaled = 0.0;
            let mut carried = 0.0;
            for i in 0..r {
                by_phi[i] += state[i] * predicted;
                by_predicted += state[i] * phi[i];
                by_scaled += state[i] * gain[i];
                by_gain[i] += state[i] * scaled;
                std::mem::swap(&mut state[i], &mut carried);
            }
            let by_innovation = by_scaled * inverse + weight * scaled;
            variance_here -= by_scaled * scaled * inverse + 0.5 * weight * scaled * scaled;
            variance_here += 0.5 * inverse / n;
            state[0] = by_predicted - by_innovation;

            (by_variance, by_scale) = (variance_here, scale_here);
            next_inverse = inverse;
        }
        by_phi_out.iter_mut().zip(by_phi.iter()).for_each(|(out, own)| *out += own);
        if let Some(&inverse) = self.inverse.first() {
            // L_1 = G_1 and M_1 = -1 / F_1.
            for (g, l) in by_gain.iter_mut().zip(by_difference.iter()) {
                *g += l;
            }
            by_variance += by_scale * inverse * inverse;
        }
        (by_gain.to_vec(), by_variance)
    }
}
