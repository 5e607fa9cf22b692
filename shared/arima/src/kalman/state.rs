//! The Kalman filter with its full covariance: the state a fitted model carries, advances and forecasts from.
//!
//! The same state space form as [`crate::kalman::gains`]; here P is kept whole, because forecasts need it, and the recursions
//! are the textbook's (Harvey 1989, eqs. (3.2.2)-(3.2.4)) in units of sigma2.

use crate::{
    kalman::autocovariance::{arma_autocovariances, psi_weights},
    model::polynomial,
};

/// What is known of an ARMA process after its last observation: the predicted state and its covariance.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    phi: Vec<f64>,
    theta: Vec<f64>,
    mean: Vec<f64>,
    /// r x r, row by row.
    covariance: Vec<f64>,
    /// The covariance no longer changes, so an update costs O(r).
    settled: bool,
}

impl State {
    /// Before any observation: zero, with the stationary covariance. `None` where the process is not stationary.
    pub(crate) fn new(phi: &[f64], theta: &[f64]) -> Option<State> {
        let r = phi.len().max(theta.len() + 1);
        let pad = |c: &[f64]| (0..r).map(|i| c.get(i).copied().unwrap_or(0.0)).collect::<Vec<_>>();
        let mut padded_theta = pad(theta);
        padded_theta.truncate(r - 1);
        let (phi, theta) = (pad(phi), padded_theta);
        let covariance = stationary_covariance(&phi, &theta)?;
        Some(State { mean: vec![0.0; r], covariance, settled: false, phi, theta })
    }

    /// A state of which mean and covariance are known, also of a process that is not stationary.
    pub(crate) fn known(phi: &[f64], theta: &[f64], mean: Vec<f64>, covariance: Vec<f64>) -> State {
        let r = mean.len();
        let pad = |c: &[f64], length: usize| (0..length).map(|i| c.get(i).copied().unwrap_or(0.0)).collect();
        State { phi: pad(phi, r), theta: pad(theta, r - 1), mean, covariance, settled: false }
    }

    /// The same process without its differencing: y_t = w_t + delta_1 y_{t-1} + ..., w_t the process of phi and theta. What is
    /// known of it is the joint state of w's own (Harvey's form) and y's last values, newest first, with its covariance.
    pub(crate) fn undifferenced(phi: &[f64], theta: &[f64], delta: &[f64], joint: &[f64], covariance: &[f64]) -> State {
        let whole = polynomial::expand_autoregressive(phi, delta, 1);
        let r = phi.len().max(theta.len() + 1);
        let size = whole.len().max(theta.len() + 1);

        // What each element of the joint state contributes to the next values...
        let mut responses = delayed_responses(phi, delta, r, size);
        responses.extend((0..delta.len()).map(|lag| {
            // The value `lag` steps before the last is 1, all else 0.
            let direct: Vec<f64> = (0..size).map(|h| delta.get(lag + h).copied().unwrap_or(0.0)).collect();
            integrate(&direct, delta)
        }));
        // ... determines the undifferenced state: its elements are those values passed through phi(B) Delta(B).
        let map: Vec<Vec<f64>> = responses
            .iter()
            .map(|values| {
                let past = |i: usize| whole.iter().take(i).enumerate().map(|(j, c)| c * values[i - 1 - j]).sum::<f64>();
                (0..size).map(|i| values[i] - past(i)).collect()
            })
            .collect();
        let mean = (0..size).map(|i| map.iter().zip(joint).map(|(row, m)| row[i] * m).sum()).collect();
        let known = map.len();
        let mut whole_covariance = vec![0.0; size * size];
        for i in 0..size {
            let half: Vec<f64> =
                (0..known).map(|b| (0..known).map(|a| map[a][i] * covariance[a * known + b]).sum()).collect();
            for j in 0..size {
                whole_covariance[i * size + j] = half.iter().zip(&map).map(|(h, row)| h * row[j]).sum();
            }
        }
        State::known(&whole, theta, mean, whole_covariance)
    }

    /// As [`State::undifferenced`], for y's last values known exactly.
    pub(crate) fn beside(&self, phi: &[f64], theta: &[f64], delta: &[f64], recent: &[f64]) -> State {
        let (r, k) = (self.r(), delta.len());
        let joint: Vec<f64> = self.mean.iter().chain(recent).copied().collect();
        let mut covariance = vec![0.0; (r + k) * (r + k)];
        for i in 0..r {
            covariance[i * (r + k)..][..r].copy_from_slice(self.covariance_row(i));
        }
        State::undifferenced(phi, theta, delta, &joint, &covariance)
    }

    /// Row i of the covariance.
    pub(crate) fn covariance_row(&self, i: usize) -> &[f64] {
        &self.covariance[i * self.r()..(i + 1) * self.r()]
    }

    fn r(&self) -> usize {
        self.phi.len()
    }

    /// Whether the parts agree in size and are finite: a stored state is checked before it is trusted.
    pub(crate) fn is_consistent(&self) -> bool {
        let r = self.r();
        let sizes = r > 0 && self.theta.len() + 1 == r && self.mean.len() == r && self.covariance.len() == r * r;
        let finite = |v: &[f64]| v.iter().all(|x| x.is_finite());
        sizes && finite(&self.phi) && finite(&self.theta) && finite(&self.mean) && finite(&self.covariance)
    }

    /// Whether it is a state of the process with these lag coefficients, wherever it stands in it.
    #[cfg(feature = "serde")]
    pub(crate) fn is_of(&self, phi: &[f64], theta: &[f64]) -> bool {
        let zeros = vec![0.0; self.r()];
        let same = |own: &[f64], other: &[f64]| {
            other.len() <= own.len()
                && own[..other.len()] == *other
                && own[other.len()..] == zeros[..own.len() - other.len()]
        };
        self.r() == phi.len().max(theta.len() + 1) && same(&self.phi, phi) && same(&self.theta, theta)
    }

    /// Mean of the next observation.
    pub(crate) fn predicted(&self) -> f64 {
        self.mean[0]
    }

    /// Variance of the next observation, in units of sigma2.
    pub(crate) fn variance(&self) -> f64 {
        // The innovation's own is 1: less is rounding, close to the edge of the stationary region.
        self.covariance[0].max(1.0)
    }

    /// Takes in the next observation and returns its innovation.
    pub(crate) fn update(&mut self, value: f64) -> f64 {
        let r = self.r();
        let predicted = self.mean[0];
        let innovation = value - predicted;
        let weight = innovation / self.variance();
        for (i, m) in self.mean.iter_mut().enumerate() {
            *m += self.covariance[i * r] * weight;
        }
        self.shift();
        if !self.settled {
            self.advance_covariance(true);
        }
        innovation
    }

    /// Passes over the next observation, which is missing.
    pub(crate) fn skip(&mut self) {
        self.shift();
        self.advance_covariance(false);
        self.settled = false;
    }

    /// T a: the state one step later, before its observation.
    fn shift(&mut self) {
        let first = self.mean[0];
        for i in 0..self.r() {
            self.mean[i] = self.phi[i] * first + self.mean.get(i + 1).copied().unwrap_or(0.0);
        }
    }

    /// T P T' + R R'. Where the observation was seen, P is first freed of what it explained; nothing is then uncertain about
    /// the state's first element, and the autoregression has no part in the next covariance.
    fn advance_covariance(&mut self, seen: bool) {
        let r = self.r();
        // One zero past the end of everything, so that the shift needs no branch.
        let padded = |row: &[f64]| row.iter().copied().chain(std::iter::once(0.0)).collect::<Vec<_>>();
        let first = padded(&self.covariance[..r]);
        let inverse = 1.0 / self.variance();
        let loading: Vec<f64> = std::iter::once(1.0).chain(self.theta.iter().copied()).collect();
        let mut below = vec![0.0; r + 1];
        let mut change = 0.0_f64;
        for i in 0..r {
            match self.covariance.get((i + 1) * r..(i + 2) * r) {
                Some(next) => below[..r].copy_from_slice(next),
                None => below.fill(0.0),
            }
            let (a, from_below, before) = (self.phi[i], first[i + 1], self.covariance[i * r + i]);
            let row = self.covariance[i * r..][..r].iter_mut().zip(&below[1..]).zip(&first[1..]);
            for (((value, below), beside), (b, load)) in row.zip(self.phi.iter().zip(&loading)) {
                let carried = if seen {
                    below - from_below * beside * inverse
                } else {
                    below + (a * beside + b * from_below) + a * b * first[0]
                };
                *value = carried + loading[i] * load;
            }
            // Successive covariances differ by a semidefinite matrix: nothing changes more than its diagonal.
            change = change.max((self.covariance[i * r + i] - before).abs());
        }
        self.settled = change <= 1e-15 * self.covariance[0];
    }

    /// Means of the next observations.
    pub(crate) fn forecast(&self, horizon: usize) -> Vec<f64> {
        let mut ahead = self.clone();
        (0..horizon)
            .map(|_| {
                let first = ahead.mean[0];
                ahead.shift();
                first
            })
            .collect()
    }

    /// Forecast variances, in units of sigma2, of the process integrated through y_t = w_t + delta_1 y_{t-1} + ...
    /// whose past values are known: what of the present state is uncertain, and the innovations still to come.
    pub(crate) fn forecast_variances(&self, delta: &[f64], horizon: usize) -> Vec<f64> {
        let r = self.r();
        let responses = delayed_responses(&self.phi, delta, r, horizon);
        let psi = integrate(&psi_weights(&self.phi, &self.theta, horizon), delta);
        let mut to_come = 0.0;
        (0..horizon)
            .map(|h| {
                if h > 0 {
                    to_come += psi[h - 1] * psi[h - 1];
                }
                let present: f64 = (0..r)
                    .map(|i| {
                        let row: f64 = (0..r).map(|j| self.covariance[i * r + j] * responses[j][h]).sum();
                        responses[i][h] * row
                    })
                    .sum();
                present.max(0.0) + to_come
            })
            .collect()
    }
}

/// How much a unit of each of the r state elements moves the integrated process 1, 2, .. steps ahead. It takes element i
/// that many steps to reach the top of the state, and from there it acts like an innovation of the autoregression.
fn delayed_responses(phi: &[f64], delta: &[f64], r: usize, steps: usize) -> Vec<Vec<f64>> {
    let autoregressive = psi_weights(phi, &[], steps);
    let delayed = |i: usize| std::iter::repeat_n(0.0, i).chain(autoregressive.iter().copied()).take(steps);
    (0..r).map(|i| integrate(&delayed(i).collect::<Vec<_>>(), delta)).collect()
}

/// Runs weights through 1/Delta(B).
pub(crate) fn integrate(weights: &[f64], delta: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(weights.len());
    for (h, w) in weights.iter().enumerate() {
        let past: f64 = delta.iter().take(h).enumerate().map(|(j, c)| c * out[h - 1 - j]).sum();
        out.push(w + past);
    }
    out
}

/// Solves P = T P T' + R R' directly: the first row is cov(x_t, a_t), and each other entry follows from the one below
/// and to the right of it.
fn stationary_covariance(phi: &[f64], theta: &[f64]) -> Option<Vec<f64>> {
    let r = phi.len();
    let gamma = arma_autocovariances(phi, theta, r + 1)?;
    let psi = psi_weights(phi, theta, r + 1);
    let loading = |i: usize| if i == 0 { 1.0 } else { theta[i - 1] };
    let mut p = vec![0.0; r * r];
    for j in 0..r {
        let ar: f64 = if j == 0 { 0.0 } else { (j..r).map(|k| phi[k] * gamma[k - j + 1]).sum() };
        let ma: f64 = if j == 0 { 0.0 } else { (j..r).map(|k| loading(k) * psi[k - j]).sum() };
        let value = if j == 0 { gamma[0] } else { ar + ma };
        p[j] = value;
        p[j * r] = value;
    }
    for i in (1..r).rev() {
        for j in (1..=i).rev() {
            let at = |i: usize, j: usize| if i < r && j < r { p[i * r + j] } else { 0.0 };
            let value = phi[i] * phi[j] * p[0]
                + phi[i] * at(0, j + 1)
                + phi[j] * at(i + 1, 0)
                + at(i + 1, j + 1)
                + loading(i) * loading(j);
            p[i * r + j] = value;
            p[j * r + i] = value;
        }
    }
    Some(p)
}
