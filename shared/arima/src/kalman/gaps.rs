//! Series with missing values.
//!
//! Where a value is missing the differenced series is missing too, so the filter runs on the series itself: the ARMA state
//! beside the last k = d + mD values of the noise. Those values before the first observation are unknown constants with no
//! prior (exactly diffuse): they enter as k regression effects, which the filter carries along (the augmented Kalman
//! filter; de Jong 1991, Annals of Statistics 19, 1073-1083). At a missing value it predicts and does not update.
//!
//! Integrated over the constants, the density of a complete series is that of its differences, because the first k values
//! depend on the constants with unit determinant: without gaps this is the likelihood of [`crate::kalman::differenced`].

use std::f64::consts::PI;

use crate::{
    Arima, Constant, Error, Order, Seasonal,
    estimation::{
        parameters::Arma,
        regression::{NOTHING, Regression, regress},
    },
    kalman::{
        differenced::{Differenced, Profile, Workspace, regressor_columns},
        innovations::dot,
        state::State,
    },
};

/// A series with missing values (not a number), scaled, and the model's regressors.
#[derive(Debug)]
pub(crate) struct Gapped {
    pub(crate) model: Arima,
    values: Vec<f64>,
    scale: f64,
    regressors: Vec<Vec<f64>>,
    /// The noise of rounding, as a variance at this scale.
    noise: f64,
    /// The same likelihood with the missing values as regressors, where that is quicker than the filter.
    filled: Option<Differenced>,
}

/// Where a run of the filter ends.
struct End {
    objective: f64,
    mean_square: f64,
    /// Whitened, less what the regressors explain.
    innovations: Vec<f64>,
    /// Mean and drift, as far as the model has them, and the columns' weights.
    weights: Vec<f64>,
    /// The joint state's mean for the scaled data, diffuse effects and regressors at their estimates.
    mean: Vec<f64>,
    /// Its covariance, in units of sigma2, the diffuse effects' uncertainty included.
    covariance: Vec<f64>,
}

impl Gapped {
    /// Expects no infinite value, at least one that is not missing, and columns as long as the series.
    pub(crate) fn new(model: Arima, y: &[f64], columns: &[Vec<f64>]) -> Result<Self, Error> {
        let observed = || y.iter().filter(|v| !v.is_nan());
        let largest = observed().fold(0.0_f64, |m, v| m.max(v.abs()));
        let count = observed().count() as f64;
        let level = observed().map(|v| v / count).sum::<f64>();
        let spread = observed().map(|v| (v - level).abs() / count).sum::<f64>();
        let scale = if spread > 0.0 { spread } else { 1.0 };
        if !((scale * scale).is_normal() && (largest / scale).is_finite()) {
            return Err(Error::TooLarge);
        }
        let rounding = 8.0 * f64::EPSILON * largest / scale;
        let filled = if are_few(&model, y) { Some(Differenced::new(model, y, columns)?) } else { None };
        Ok(Gapped {
            model,
            values: y.iter().map(|v| v / scale).collect(),
            scale,
            regressors: regressor_columns(&model, y.len(), columns),
            noise: rounding * rounding,
            filled,
        })
    }

    /// Observations behind the likelihood: those there are, less the diffuse constants.
    pub(crate) fn len(&self) -> usize {
        let observed = self.values.iter().filter(|v| !v.is_nan()).count();
        observed.saturating_sub(self.model.lost_to_differencing())
    }

    /// Whether all values are the same, down to rounding. (Once differenced, they are so in more ways than this sees.)
    pub(crate) fn is_still(&self) -> bool {
        let mut observed = self.values.iter().filter(|v| !v.is_nan());
        let first = observed.next();
        first.is_some_and(|first| observed.all(|v| (v - first).powi(2) <= self.noise))
    }

    pub(crate) fn profile(&self, arma: &Arma) -> Option<Profile> {
        if let Some(filled) = &self.filled {
            return filled.profile(arma);
        }
        let end = self.run(arma, self.values.len())?;
        Some(Profile {
            sigma2: end.mean_square * self.scale * self.scale,
            constants: end.weights.iter().map(|w| w * self.scale).collect(),
            log_likelihood: self.filtered_log_likelihood(end.objective),
        })
    }

    /// The whitened innovations, freed of the diffuse constants, in the series' own units.
    pub(crate) fn whitened(&self, arma: &Arma) -> Option<Vec<f64>> {
        let end = self.run(arma, self.values.len())?;
        Some(end.innovations.iter().map(|v| v * self.scale).collect())
    }

    pub(crate) fn log_likelihood(&self, objective: f64) -> f64 {
        if let Some(filled) = &self.filled {
            return filled.log_likelihood(objective);
        }
        self.filtered_log_likelihood(objective)
    }

    fn filtered_log_likelihood(&self, objective: f64) -> f64 {
        -(self.len() as f64) * (objective + 0.5 * ((2.0 * PI).ln() + 1.0) + self.scale.ln())
    }

    /// As for a complete series; infinite where it is not defined.
    pub(crate) fn value(&self, u: &[f64], workspace: &mut Workspace) -> f64 {
        if let Some(filled) = &self.filled {
            return filled.value(u, workspace);
        }
        self.filtered_value(u)
    }

    fn filtered_value(&self, u: &[f64]) -> f64 {
        let end = self.run(&Arma::from_unconstrained(&self.model, u), self.values.len());
        end.map_or(f64::INFINITY, |end| if end.objective.is_nan() { f64::INFINITY } else { end.objective })
    }

    /// The objective and its gradient; the filter's by central differences.
    pub(crate) fn objective(&self, u: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        if let Some(filled) = &self.filled {
            return filled.objective(u, workspace, gradient);
        }
        let mut probe = u.to_vec();
        for i in 0..u.len() {
            // The cube root of the machine precision balances truncation against rounding.
            let h = 6e-6 * u[i].abs().max(1.0);
            probe[i] = u[i] + h;
            let above = self.filtered_value(&probe);
            probe[i] = u[i] - h;
            let below = self.filtered_value(&probe);
            probe[i] = u[i];
            let slope = (above - below) / (2.0 * h);
            gradient[i] = if slope.is_finite() { slope } else { 0.0 };
        }
        self.filtered_value(u)
    }

    /// The state of the undifferenced process, in the series' own units, as soon as the diffuse constants are determined,
    /// and after how many values that is. The model must have no constant.
    pub(crate) fn first_state(&self, arma: &Arma) -> Option<(usize, State)> {
        let period = self.model.seasonal.period;
        let delta = self.model.differencing();
        // Once determined they stay so: the first such place is found by halving.
        let (mut too_few, mut enough) = (delta.len().saturating_sub(1), self.values.len());
        while enough > too_few + 1 {
            let between = usize::midpoint(too_few, enough);
            if self.is_determined_by(between) {
                enough = between;
            } else {
                too_few = between;
            }
        }
        let seen = if delta.is_empty() { 0 } else { enough };
        let end = self.run(arma, seen)?;
        let joint: Vec<f64> = end.mean.iter().map(|m| m * self.scale).collect();
        Some((seen, State::undifferenced(&arma.phi(period), &arma.theta(period), &delta, &joint, &end.covariance)))
    }

    /// Whether so many values determine the diffuse constants, which is a matter of differencing alone: whether what is missing can be estimated
    /// from the differences there are.
    fn is_determined_by(&self, first: usize) -> bool {
        let values = &self.values[..first];
        let Arima { order, seasonal, .. } = self.model;
        let bare = Arima {
            order: Order { p: 0, q: 0, ..order },
            seasonal: Seasonal { p: 0, q: 0, ..seasonal },
            constant: Constant::None,
        };
        let complete = || values.iter().all(|v| !v.is_nan());
        first >= bare.lost_to_differencing()
            && (complete()
                || Differenced::new(bare, values, &[]).is_ok_and(|series| series.profile(&Arma::default()).is_some()))
    }

    /// Runs the augmented filter over the first values of the series; `None` where they do not determine the constants.
    fn run(&self, arma: &Arma, first: usize) -> Option<End> {
        let period = self.model.seasonal.period;
        let (phi, theta) = (arma.phi(period), arma.theta(period));
        let delta = self.model.differencing();
        let stationary = State::new(&phi, &theta)?;
        let r = phi.len().max(theta.len() + 1);
        let k = delta.len();
        let size = r + k;
        let joint = Joint { phi: &phi, theta: &theta, delta: &delta, r };

        let mut covariance = vec![0.0; size * size];
        for i in 0..r {
            covariance[i * size..i * size + r].copy_from_slice(stationary.covariance_row(i));
        }
        // Column 0 is the data, then one for each diffuse constant, then the regressors.
        let columns = 1 + k + self.regressors.len();
        let mut means = vec![vec![0.0; size]; columns];
        for j in 0..k {
            means[1 + j][r + j] = -1.0;
        }
        let mut innovations = vec![Vec::new(); columns];
        let mut sum_log = 0.0;
        for (t, &value) in self.values.iter().enumerate().take(first) {
            if !value.is_nan() {
                let gain = joint.seen(&covariance);
                let variance = joint.observe(&gain);
                if !(variance.is_finite() && variance > 0.0) {
                    return None;
                }
                sum_log += variance.ln();
                for (c, mean) in means.iter_mut().enumerate() {
                    let given = match c {
                        0 => value,
                        _ if c <= k => 0.0,
                        _ => self.regressors[c - 1 - k][t],
                    };
                    let innovation = given - joint.observe(mean);
                    innovations[c].push(innovation / variance.sqrt());
                    for (m, g) in mean.iter_mut().zip(&gain) {
                        *m += g / variance * innovation;
                    }
                }
                for i in 0..size {
                    for j in 0..size {
                        covariance[i * size + j] -= gain[i] * gain[j] / variance;
                    }
                }
            }
            means.iter_mut().for_each(|mean| joint.advance(mean));
            covariance = joint.advance_covariance(&covariance);
        }
        self.end(k, innovations, &means, covariance, sum_log)
    }

    /// Regresses the data's innovations on the others', and brings everything together.
    fn end(
        &self,
        k: usize,
        mut innovations: Vec<Vec<f64>>,
        means: &[Vec<f64>],
        mut covariance: Vec<f64>,
        sum_log: f64,
    ) -> Option<End> {
        let mut data = innovations.remove(0);
        let lengths: Vec<f64> = innovations.iter().map(|column| dot(column, column)).collect();
        let Regression { weights, squares, triangle } = regress(&mut data, &mut innovations, &lengths, dot);
        if squares[..k].iter().zip(&lengths).any(|(square, length)| *square <= NOTHING * length) {
            // Too few observations to fix the level, or the season.
            return None;
        }
        let n = self.len() as f64;
        let mut mean_square = data.iter().map(|v| v * v).sum::<f64>() / n;
        if mean_square <= self.noise {
            mean_square = 0.0;
        }
        let determinant: f64 = squares[..k].iter().map(|square| square.ln()).sum();
        let objective = 0.5 * (mean_square.ln() + (sum_log + determinant) / n);

        // The state is the data's, less the weighted columns': their innovations were regressed on the same weights.
        let size = means[0].len();
        let mean = (0..size)
            .map(|i| means[0][i] - weights.iter().zip(&means[1..]).map(|(w, column)| w * column[i]).sum::<f64>())
            .collect();
        // Orthogonal diffuse directions: each adds its own square over its information.
        let mut directions: Vec<Vec<f64>> = means[1..=k].to_vec();
        for j in 0..k {
            for i in 0..j {
                let weight = triangle[i][j];
                let earlier = directions[i].clone();
                directions[j].iter_mut().zip(&earlier).for_each(|(d, e)| *d -= weight * e);
            }
            for a in 0..size {
                for b in 0..size {
                    covariance[a * size + b] += directions[j][a] * directions[j][b] / squares[j];
                }
            }
        }
        Some(End { objective, mean_square, innovations: data, weights: weights[k..].to_vec(), mean, covariance })
    }
}

/// Whether so few values are missing that a regressor for each is quicker than the filter, whose every step costs the square of the
/// joint state, once for each direction of the gradient and way. Both are exact.
fn are_few(model: &Arima, y: &[f64]) -> bool {
    let missing = y.iter().filter(|v| v.is_nan()).count();
    let Arima { order, seasonal, .. } = model;
    let lags = (order.p + seasonal.period * seasonal.p).max(order.q + seasonal.period * seasonal.q + 1);
    let size = lags + model.lost_to_differencing();
    let filter = 6 * (2 * model.arma_parameters() + 1) * size * size;
    missing * y.len() <= MAX_NUMBERS && 80 * (missing + 1) + 2 * missing * missing <= filter
}

/// Numbers that impulses may take up, in memory.
pub(crate) const MAX_NUMBERS: usize = 4 << 20;

/// The joint state: the ARMA state (Harvey's form), then the noise's last k values, newest first.
struct Joint<'a> {
    phi: &'a [f64],
    theta: &'a [f64],
    delta: &'a [f64],
    r: usize,
}

impl Joint<'_> {
    /// Z a: the next value of the noise.
    fn observe(&self, state: &[f64]) -> f64 {
        state[0] + self.delta.iter().zip(&state[self.r..]).map(|(c, v)| c * v).sum::<f64>()
    }

    /// P Z'.
    fn seen(&self, covariance: &[f64]) -> Vec<f64> {
        covariance.chunks_exact(self.r + self.delta.len()).map(|row| self.observe(row)).collect()
    }

    /// T a.
    fn advance(&self, state: &mut [f64]) {
        let (arma, lags) = state.split_at_mut(self.r);
        let first = arma[0];
        let next = first + self.delta.iter().zip(lags.iter()).map(|(c, v)| c * v).sum::<f64>();
        arma.rotate_left(1);
        arma[self.r - 1] = 0.0;
        for (a, c) in arma.iter_mut().zip(self.phi) {
            *a += c * first;
        }
        if !lags.is_empty() {
            lags.rotate_right(1);
            lags[0] = next;
        }
    }

    /// T P T' + R R'.
    fn advance_covariance(&self, covariance: &[f64]) -> Vec<f64> {
        let size = self.r + self.delta.len();
        let mut half = covariance.to_vec();
        half.chunks_exact_mut(size).for_each(|row| self.advance(row));
        let mut whole = vec![0.0; size * size];
        let mut column = vec![0.0; size];
        for j in 0..size {
            for i in 0..size {
                column[i] = half[i * size + j];
            }
            self.advance(&mut column);
            for i in 0..size {
                whole[i * size + j] = column[i];
            }
        }
        let loading = |i: usize| if i == 0 { 1.0 } else { self.theta.get(i - 1).copied().unwrap_or(0.0) };
        for i in 0..self.r {
            for j in 0..self.r {
                whole[i * size + j] += loading(i) * loading(j);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a gap, the diffuse likelihood of the series is the likelihood of its differences.
    #[test]
    fn without_gaps_it_is_the_likelihood_of_the_differences() {
        let y: Vec<f64> = (0..80).map(|t| f64::from(t * t % 17) + f64::from(t) * 0.3).collect();
        let seasonal = Seasonal { p: 1, d: 1, q: 1, period: 4 };
        let order = |p, d, q| Arima::new(Order { p, d, q });
        let arma = Arma { ar: vec![0.4], ma: vec![-0.3], seasonal_ar: vec![], seasonal_ma: vec![] };
        let both = Arma { seasonal_ar: vec![0.2], seasonal_ma: vec![-0.5], ..arma.clone() };
        let rows = [
            (order(1, 0, 1).with_mean(), &arma),
            (order(1, 0, 1).with_mean().with_drift(), &arma),
            (order(1, 1, 1), &arma),
            (order(1, 1, 1).with_drift(), &arma),
            (order(1, 2, 1), &arma),
            (order(1, 1, 1).with_seasonal(seasonal), &both),
            (order(1, 0, 1).with_seasonal(seasonal).with_drift(), &both),
        ];
        for (model, arma) in rows {
            let gapped = Gapped::new(model, &y, &[]).expect("scales").profile(arma).expect("stationary");
            let differenced = Differenced::new(model, &y, &[]).expect("scales").profile(arma).expect("stationary");
            let error = (gapped.log_likelihood / differenced.log_likelihood - 1.0).abs();
            assert!(error < 1e-10, "{model}: {} {}", gapped.log_likelihood, differenced.log_likelihood);
            assert!((gapped.sigma2 / differenced.sigma2 - 1.0).abs() < 1e-9, "{model}");
            for (a, b) in gapped.constants.iter().zip(&differenced.constants) {
                assert!((a - b).abs() < 1e-8 * (1.0 + b.abs()), "{model}: {a} {b}");
            }
        }
    }

    /// The filter, and the regression on impulses: two ways to one likelihood, and its gradient.
    #[test]
    fn impulses_are_the_same_as_the_filter() {
        let mut y: Vec<f64> = (0..90).map(|t| f64::from(t * t % 17) + f64::from(t) * 0.3).collect();
        let seasonal = Seasonal { p: 1, d: 1, q: 1, period: 4 };
        let order = |p, d, q| Arima::new(Order { p, d, q });
        let rows = [
            (order(1, 0, 1).with_mean(), vec![0.4, -0.3]),
            (order(1, 0, 1).with_mean().with_drift(), vec![0.4, -0.3]),
            (order(2, 1, 1), vec![0.4, 0.1, -0.3]),
            (order(1, 2, 1), vec![0.4, -0.3]),
            (order(0, 0, 1), vec![40.0]),
            (order(1, 1, 1).with_seasonal(seasonal), vec![0.4, -0.3, 0.2, -0.5]),
            (order(1, 0, 1).with_seasonal(seasonal).with_drift(), vec![0.4, -0.3, 0.2, -0.5]),
        ];
        for gaps in [vec![40], vec![0, 1, 2, 30, 31, 50, 89], vec![5, 7, 9, 11, 13, 60, 61, 62, 63, 64]] {
            gaps.iter().for_each(|t| y[*t] = f64::NAN);
            for (model, u) in &rows {
                let gapped = Gapped { filled: None, ..Gapped::new(*model, &y, &[]).expect("scales") };
                let filled = Differenced::new(*model, &y, &[]).expect("scales");
                let arma = Arma::from_unconstrained(model, u);
                let (expected, found) = (gapped.profile(&arma).expect("is"), filled.profile(&arma).expect("is"));
                let error = (found.log_likelihood / expected.log_likelihood - 1.0).abs();
                assert!(error < 1e-9, "{model}, {gaps:?}: {} {}", found.log_likelihood, expected.log_likelihood);
                assert!((found.sigma2 / expected.sigma2 - 1.0).abs() < 1e-8, "{model}, {gaps:?}");
                for (a, b) in found.constants.iter().zip(&expected.constants) {
                    assert!((a - b).abs() < 1e-7 * (1.0 + b.abs()), "{model}: {a} {b}");
                }
                let (mut slow, mut quick) = (vec![0.0; u.len()], vec![0.0; u.len()]);
                let mut workspace = Workspace::default();
                gapped.objective(u, &mut workspace, &mut slow);
                filled.objective(u, &mut workspace, &mut quick);
                for (a, b) in quick.iter().zip(&slow) {
                    assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{model}, {gaps:?}: {quick:?} {slow:?}");
                }
            }
        }
    }
}
