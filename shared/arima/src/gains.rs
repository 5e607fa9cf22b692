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

use crate::{
    autocovariance::{arma_autocovariances, psi_weights},
    polynomial::roots_outside,
};

/// When the rank-one difference of two successive covariances is this small against F, the filter has settled.
const SETTLED: f64 = 1e-16;

pub(crate) struct Gains {
    phi: Vec<f64>,
    /// K_t = G_t / F_t for each step before the filter settled, r values a step.
    transient: Vec<f64>,
    /// F_t for the same steps.
    variances: Vec<f64>,
    settled_gain: Vec<f64>,
    settled_variance: f64,
}

impl Gains {
    /// Gains for n observations of the process; `None` where it is not stationary.
    pub(crate) fn new(phi: &[f64], theta: &[f64], n: usize) -> Option<Gains> {
        let r = phi.len().max(theta.len() + 1);
        let at = |c: &[f64], i: usize| c.get(i).copied().unwrap_or(0.0);
        let padded: Vec<f64> = (0..r).map(|i| at(phi, i)).collect();

        let gamma = arma_autocovariances(phi, theta, r + 1)?;
        let psi = psi_weights(phi, theta, r);
        // G_1[i] = cov(T a_t, x_t): what of the next state the present observation explains.
        let mut gain: Vec<f64> = (1..=r)
            .map(|i| {
                let ar: f64 = (i..=r).map(|k| at(phi, k - 1) * gamma[k - i]).sum();
                let ma: f64 = (i..r).map(|k| at(theta, k - 1) * psi[k - i]).sum();
                ar + ma
            })
            .collect();
        let mut variance = gamma[0];
        let mut difference = gain.clone();
        let mut scale = -1.0 / variance;

        let mut transient = Vec::new();
        let mut variances = Vec::new();
        let mut settled = false;
        while variances.len() < n {
            let largest = difference.iter().fold(0.0_f64, |m, l| m.max(l.abs()));
            settled = scale.abs() * largest * largest <= SETTLED * variance;
            if settled {
                break;
            }
            transient.extend(gain.iter().map(|g| g / variance));
            variances.push(variance);

            let s = difference[0];
            let next_variance = variance + scale * s * s;
            if !(next_variance.is_finite() && next_variance > 0.0) {
                return None;
            }
            for i in 0..r {
                let shifted = padded[i] * s + if i + 1 < r { difference[i + 1] } else { 0.0 };
                difference[i] = shifted - s / variance * gain[i];
                gain[i] += scale * s * shifted;
            }
            scale *= variance / next_variance;
            variance = next_variance;
        }
        let mut settled_gain: Vec<f64> = gain.iter().map(|g| g / variance).collect();
        let mut settled_variance = variance;
        let negated: Vec<f64> = theta.iter().map(|t| -t).collect();
        if settled && roots_outside(&negated, 1.0) {
            settled_gain = (0..r).map(|i| padded[i] + at(theta, i)).collect();
            settled_variance = 1.0;
        }
        Some(Gains { phi: padded, transient, variances, settled_gain, settled_variance })
    }

    /// Sum over n observations of log F_t.
    pub(crate) fn sum_log_variance(&self, n: usize) -> f64 {
        let settled = (n - self.variances.len().min(n)) as f64 * self.settled_variance.ln();
        self.variances.iter().take(n).map(|f| f.ln()).sum::<f64>() + settled
    }

    /// One-step innovations of a series, each divided by sqrt(F_t): white, with variance sigma2.
    pub(crate) fn whiten(&self, x: &[f64], out: &mut Vec<f64>) {
        out.clear();
        out.reserve(x.len());
        let r = self.phi.len();
        let mut state = vec![0.0; r + 1];
        let transient = self.variances.len().min(x.len());
        for (t, &value) in x[..transient].iter().enumerate() {
            let innovation = step(&mut state, &self.phi, &self.transient[t * r..(t + 1) * r], value);
            out.push(innovation / self.variances[t].sqrt());
        }
        let scale = 1.0 / self.settled_variance.sqrt();
        for &value in &x[transient..] {
            out.push(step(&mut state, &self.phi, &self.settled_gain, value) * scale);
        }
    }
}

/// a_{t+1} = T a_t + K_t v_t; returns v_t. The state carries one zero past its end, so that the shift needs no branch.
#[inline]
fn step(state: &mut [f64], phi: &[f64], gain: &[f64], value: f64) -> f64 {
    let r = phi.len();
    let predicted = state[0];
    let innovation = value - predicted;
    let (state, gain) = (&mut state[..=r], &gain[..r]);
    for i in 0..r {
        state[i] = state[i + 1] + phi[i] * predicted + gain[i] * innovation;
    }
    innovation
}
