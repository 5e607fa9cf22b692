//! Exact Gaussian likelihood of a differenced series, with the innovation variance and the constant concentrated out.
//!
//! With whitened innovations u = (y - X beta) run through the gains, the log-likelihood is
//! -n/2 (log 2 pi sigma2 + 1) - 1/2 sum log F_t (Harvey 1989, eq. (3.4.5)), maximised over sigma2 by the mean square of
//! u and over beta by generalised least squares: whitening is linear, so beta regresses the whitened data on the whitened
//! regressors (Harvey 1989, section 3.4.2). Only AR and MA coefficients are left to an optimiser.
//!
//! A missing value is a regressor too: whatever is put in its place, an impulse there takes it out again (additive outliers; Gómez,
//! Maravall & Peña 1999, J. Econometrics 88, 341-363). Integrated over the missing values, with no prior, the density is that of the
//! values there are: n is their number, and log |X' V^-1 X| joins the sum of log F_t, where X are the impulses, differenced.

use std::{borrow::Cow, f64::consts::PI};

use crate::{
    Arima, Error,
    estimation::{
        parameters::Arma,
        regression::{NOTHING, regress},
    },
    kalman::{
        dual::{DIRECTIONS, Dual},
        gains::{self, End, Gains},
        imputation::filled,
        innovations::{DifferenceEquation, dot, lagged_products},
    },
    model::polynomial,
};

/// A series ready for estimation: differenced, scaled to unit mean square, its regressors differenced alike.
#[derive(Debug)]
pub(crate) struct Differenced {
    pub(crate) model: Arima,
    values: Vec<f64>,
    scale: f64,
    /// An impulse for each missing value, then the model's own, then those that were given.
    regressors: Vec<Regressor>,
    missing: usize,
    given: bool,
    /// Residual mean squares below this are rounding noise of the original values.
    noise: f64,
}

#[derive(Debug)]
struct Regressor {
    values: Vec<f64>,
    scale: f64,
}

/// The likelihood at one point, with what was concentrated out.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) sigma2: f64,
    /// Mean, then drift, as far as the model has them, then the weights of the columns that it regresses on.
    pub(crate) constants: Vec<f64>,
    /// Infinite where the residuals vanish.
    pub(crate) log_likelihood: f64,
}

impl Differenced {
    /// Differences the series as the model says. Expects values that are finite or missing, a checked model, and columns as long as the
    /// series.
    pub(crate) fn new(model: Arima, given: &[f64], columns: &[Vec<f64>]) -> Result<Self, Error> {
        let delta = model.differencing();
        let missing: Vec<usize> = (0..given.len()).filter(|t| given[*t].is_nan()).collect();
        let y = &if missing.is_empty() { Cow::Borrowed(given) } else { Cow::Owned(filled(given)) };
        let largest = y.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let mut values = polynomial::difference(y, &delta);
        let scale = rescale(&mut values).ok_or(Error::TooLarge)?;
        let impulse = |t: &usize| (0..y.len()).map(|other| f64::from(u8::from(other == *t))).collect();
        let impulses: Vec<Vec<f64>> = missing.iter().map(impulse).collect();
        let regressors = impulses
            .into_iter()
            .chain(regressor_columns(&model, y.len(), columns))
            .map(|column| {
                let mut values = polynomial::difference(&column, &delta);
                let scale = rescale(&mut values).ok_or(Error::TooLarge)?;
                Ok(Regressor { values, scale })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let rounding = 8.0 * f64::EPSILON * largest / scale;
        Ok(Differenced {
            model,
            values,
            scale,
            regressors,
            missing: missing.len(),
            given: !columns.is_empty(),
            noise: rounding * rounding,
        })
    }

    /// Observations left after differencing, without the missing ones.
    pub(crate) fn len(&self) -> usize {
        self.values.len().saturating_sub(self.missing)
    }

    /// Whether all values are the same, down to rounding.
    pub(crate) fn is_still(&self) -> bool {
        self.values.iter().all(|v| (v - self.values[0]).powi(2) <= self.noise)
    }

    /// The likelihood at these coefficients; `None` outside the stationary region.
    pub(crate) fn profile(&self, arma: &Arma) -> Option<Profile> {
        let mut workspace = Workspace::default();
        let weights = self.innovations(arma, arma.is_invertible(), &mut workspace)?;
        let constants = weights.iter().zip(&self.regressors).map(|(w, r)| w * self.scale / r.scale);
        let constants = constants.skip(self.missing).collect();
        Some(Profile {
            sigma2: workspace.mean_square * self.scale * self.scale,
            constants,
            log_likelihood: self.log_likelihood(workspace.objective),
        })
    }

    /// How far what was put in each missing value's place is above what the others let expect, in the series' own units.
    pub(crate) fn impulses(&self, arma: &Arma) -> Option<Vec<f64>> {
        let weights = self.innovations(arma, arma.is_invertible(), &mut Workspace::default())?;
        let own = weights.iter().zip(&self.regressors).take(self.missing);
        Some(own.map(|(weight, regressor)| weight * self.scale / regressor.scale).collect())
    }

    /// The whitened innovations, in the series' own units.
    pub(crate) fn whitened(&self, arma: &Arma) -> Option<Vec<f64>> {
        let mut workspace = Workspace::default();
        self.innovations(arma, arma.is_invertible(), &mut workspace)?;
        let Workspace { gains, innovations, .. } = &workspace;
        let later = if let End::Constant(_, variance) = gains.end { variance } else { 1.0 };
        let variances = gains.variances().iter().copied().chain(std::iter::repeat(later));
        Some(innovations.iter().zip(variances).map(|(v, f)| v * self.scale / f.sqrt()).collect())
    }

    /// The log-likelihood in the series' own scale.
    pub(crate) fn log_likelihood(&self, objective: f64) -> f64 {
        let constant = 0.5 * ((2.0 * PI).ln() + 1.0) + self.scale.ln();
        -(self.len() as f64) * (objective + constant)
    }

    /// -log-likelihood per observation, up to a constant, at the optimiser's point, with its gradient; infinite where it
    /// is not defined.
    ///
    /// The gradient is exact. From the data back to the initial gains it is taken in reverse (one pass, whatever the
    /// number of parameters); from there back to u, which involves no data, forwards by [`Dual`] numbers. Sigma2 and the
    /// constants are at their optima, so their own change contributes nothing (the envelope theorem).
    pub(crate) fn objective(&self, u: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        let arma = Arma::from_unconstrained(&self.model, u);
        if self.innovations(&arma, true, workspace).is_none() || workspace.objective.is_nan() {
            return f64::INFINITY;
        }
        if workspace.mean_square == 0.0 || self.differentiate(&arma, u, workspace, gradient).is_none() {
            gradient.fill(0.0);
        }
        workspace.objective
    }

    /// The objective alone.
    pub(crate) fn value(&self, u: &[f64], workspace: &mut Workspace) -> f64 {
        let arma = Arma::from_unconstrained(&self.model, u);
        match self.innovations(&arma, true, workspace) {
            Some(_) if !workspace.objective.is_nan() => workspace.objective,
            _ => f64::INFINITY,
        }
    }

    /// Runs data and regressors through the filter, takes the regressors' part out, and leaves the residual series and
    /// its innovations in the workspace. Answers the regressors' weights; `None` where missing values leave something undetermined.
    fn innovations(&self, arma: &Arma, invertible: bool, workspace: &mut Workspace) -> Option<Vec<f64>> {
        let n = self.values.len();
        let period = self.model.seasonal.period;
        let (phi, theta) = (arma.phi(period), arma.theta(period));
        let Workspace { gains, residual, innovations, columns, triangle, squares, .. } = workspace;
        gains.compute(&phi, &theta, invertible, n)?;

        filter(gains, arma, &phi, period, &self.values, innovations);
        columns.resize_with(self.regressors.len(), Vec::new);
        for (regressor, column) in self.regressors.iter().zip(columns.iter_mut()) {
            filter(gains, arma, &phi, period, &regressor.values, column);
        }
        // A mean and a drift are never combinations of each other.
        let checked = if self.given { columns.len() } else { self.missing };
        let lengths: Vec<f64> = columns[..checked].iter().map(|column| product(column, column, gains)).collect();
        let regression = regress(innovations, columns, &lengths, |a, b| product(a, b, gains));
        (*triangle, *squares) = (regression.triangle, regression.squares);
        let impulses = || squares[..self.missing].iter().zip(&lengths);
        if impulses().any(|(square, length)| *square <= NOTHING * length) {
            return None;
        }
        let determinant: f64 = squares[..self.missing]
            .iter()
            .zip(&self.regressors)
            .map(|(square, impulse)| (square * impulse.scale * impulse.scale).ln())
            .sum();
        let weights = regression.weights;
        if !self.regressors.is_empty() {
            residual.clone_from(&self.values);
        }
        for (weight, regressor) in weights.iter().zip(&self.regressors) {
            for (x, column) in residual.iter_mut().zip(&regressor.values) {
                *x -= weight * column;
            }
        }
        let observed = self.len() as f64;
        let mut mean_square = product(innovations, innovations, gains) / observed;
        if mean_square <= self.noise {
            mean_square = 0.0;
        }
        workspace.objective = 0.5 * (mean_square.ln() + (gains.sum_log_variance(n) + determinant) / observed);
        workspace.mean_square = mean_square;
        Some(weights)
    }

    fn differentiate(&self, arma: &Arma, u: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> Option<()> {
        let period = self.model.seasonal.period;
        let Workspace { gains, residual, innovations, columns, triangle, squares, adjoint, mean_square, .. } =
            workspace;
        let residual = if self.regressors.is_empty() { &self.values } else { &*residual };
        let steps = gains.steps();
        let observed = self.len() as f64;

        let mut by =
            back(gains, arma, period, residual, innovations, (1.0 / (observed * *mean_square), observed), adjoint);
        // Each impulse's part of the determinant is the least square of a regression on those before it: as the data's, by the envelope theorem.
        let mut directions: Vec<Vec<f64>> = Vec::with_capacity(self.missing);
        for j in 0..self.missing {
            let mut direction = self.regressors[j].values.clone();
            for (earlier, row) in directions.iter().zip(triangle.iter()) {
                direction.iter_mut().zip(earlier).for_each(|(d, e)| *d -= row[j] * e);
            }
            by.add(&back(
                gains,
                arma,
                period,
                &direction,
                &columns[j],
                (1.0 / (observed * squares[j]), f64::INFINITY),
                adjoint,
            ));
            directions.push(direction);
        }
        gradient.fill(0.0);

        for (chunk, gradient) in gradient.chunks_mut(DIRECTIONS).enumerate() {
            let mut dual: Vec<Dual> = u.iter().map(|&value| Dual::from(value)).collect();
            for i in 0..gradient.len() {
                dual[chunk * DIRECTIONS + i].slope[i] = 1.0;
            }
            let arma = Arma::from_unconstrained(&self.model, &dual);
            let (phi, theta) = (arma.phi(period), arma.theta(period));
            let mut add = |by: &[f64], dual: &[Dual]| {
                for (i, g) in gradient.iter_mut().enumerate() {
                    *g += by.iter().zip(dual).map(|(b, d)| b * d.slope[i]).sum::<f64>();
                }
            };
            add(&by.phi, &phi);
            add(&by.theta, &theta);
            if steps > 0 {
                let (gain, variance) = gains::initial(&phi, &theta)?;
                add(&by.gain, &gain);
                add(&[by.variance], &[variance]);
            }
        }
        Some(())
    }
}

/// The objective's derivatives by the coefficients' lags, and by the first gain and variance.
struct Derivatives {
    phi: Vec<f64>,
    theta: Vec<f64>,
    gain: Vec<f64>,
    variance: f64,
}

impl Derivatives {
    fn add(&mut self, other: &Derivatives) {
        for (to, from) in [(&mut self.phi, &other.phi), (&mut self.theta, &other.theta), (&mut self.gain, &other.gain)]
        {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
        self.variance += other.variance;
    }
}

/// Back from a series' innovations: of sum v_t^2 / F_t * weight / 2 + sum log F_t / (2n).
fn back(
    gains: &Gains,
    arma: &Arma,
    period: usize,
    x: &[f64],
    innovations: &[f64],
    (weight, n): (f64, f64),
    adjoint: &mut Vec<f64>,
) -> Derivatives {
    let steps = gains.steps();
    let p = arma.ar.len() + period * arma.seasonal_ar.len();
    // The settled part: lambda_t is the objective's derivative by v_t with all that follows from it.
    adjoint.resize(x.len() - steps, 0.0);
    equation(arma, &[], period).solve_transposed(&innovations[steps..], adjoint);
    let minus = |mut products: Vec<f64>| {
        products.iter_mut().for_each(|product| *product *= -weight);
        products
    };
    let mut by_phi = minus(lagged_products(adjoint, &x[steps..], p));
    by_phi.resize(gains.r, 0.0);
    let by_theta = minus(lagged_products(adjoint, &innovations[steps..], arma.theta(period).len()));
    let by_state: Vec<f64> = (0..gains.r).map(|i| adjoint.get(i).map_or(0.0, |lambda| -weight * lambda)).collect();
    let (by_gain, by_variance) = gains.adjoint(x, innovations, weight, n, &by_state, &mut by_phi);
    Derivatives { phi: by_phi, theta: by_theta, gain: by_gain, variance: by_variance }
}

/// What one evaluation leaves for the next: its buffers.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    gains: Gains,
    /// The scaled series less its regressors' part, where there are any.
    residual: Vec<f64>,
    /// Its innovations.
    innovations: Vec<f64>,
    /// The regressors' innovations, each orthogonal to those before it; how much of each those before it held, and their squares.
    columns: Vec<Vec<f64>>,
    triangle: Vec<Vec<f64>>,
    squares: Vec<f64>,
    adjoint: Vec<f64>,
    mean_square: f64,
    objective: f64,
}

/// Innovations v_t of a series.
fn filter(gains: &Gains, arma: &Arma, phi: &[f64], period: usize, x: &[f64], out: &mut Vec<f64>) {
    out.clear();
    let mut state = gains.run(x, out);
    let rest = &x[out.len()..];
    if let End::Constant(gain, _) = &gains.end {
        let r = gains.r;
        for &value in rest {
            let predicted = state[0];
            let innovation = value - predicted;
            for i in 0..r {
                let shifted = if i + 1 < r { state[i + 1] } else { 0.0 };
                state[i] = shifted + gains.phi[i] * predicted + gain[i] * innovation;
            }
            out.push(innovation);
        }
        return;
    }
    let steps = out.len();
    out.resize(x.len(), 0.0);
    equation(arma, phi, period).solve(rest, &state, &mut out[steps..]);
}

fn equation<'a>(arma: &'a Arma, phi: &'a [f64], period: usize) -> DifferenceEquation<'a> {
    DifferenceEquation { phi, theta: &arma.ma, seasonal: &arma.seasonal_ma, period }
}

/// sum of a_t b_t / F_t: the product in which innovations are white.
fn product(a: &[f64], b: &[f64], gains: &Gains) -> f64 {
    let steps = gains.steps();
    let start: f64 = a.iter().zip(b).zip(gains.variances()).map(|((x, y), f)| x * y / f).sum();
    let rest = dot(&a[steps..], &b[steps..]);
    start + if let End::Constant(_, variance) = gains.end { rest / variance } else { rest }
}

/// The columns of the deterministic part: ones for a mean, 1, 2, .. for a drift.
pub(crate) fn regressor_columns(model: &Arima, length: usize, given: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut columns = Vec::new();
    if model.has_mean() {
        columns.push(vec![1.0; length]);
    }
    if model.has_drift() {
        columns.push((1..=length).map(|t| t as f64).collect());
    }
    columns.extend_from_slice(given);
    columns
}

/// Divides by the root mean square, so that the likelihood is the same function at every scale of the data; an all-zero
/// series keeps scale 1. `None` where even that overflows.
fn rescale(values: &mut [f64]) -> Option<f64> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 {
        return Some(1.0);
    }
    let mean_square = values.iter().map(|v| (v / largest).powi(2)).sum::<f64>() / values.len() as f64;
    let scale = largest * mean_square.sqrt();
    // Its square must be a number too: sigma2 is in its units.
    let usable = (scale * scale).is_normal();
    values.iter_mut().for_each(|v| *v /= scale);
    usable.then_some(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Order, Seasonal, kalman::state::State};

    fn series(n: i32) -> Vec<f64> {
        (0..n).map(|t| f64::from(t * t % 17) - 8.0 + (f64::from(t) * 0.3).sin()).collect()
    }

    /// The full-covariance Kalman filter knows nothing of the rank-one recursion, so it is an independent check of it.
    #[test]
    fn innovations_agree_with_the_full_covariance_filter() {
        let x = series(300);
        let arma = |ar: &[f64], ma: &[f64]| Arma { ar: ar.to_vec(), ma: ma.to_vec(), ..Arma::default() };
        let mut rows = vec![
            arma(&[], &[]),
            arma(&[0.9], &[]),
            arma(&[0.5, -0.3], &[0.4, 0.2]),
            arma(&[], &[-0.99]),
            arma(&[0.999], &[-0.99]),
            arma(&[0.0, 0.0, 0.0, 0.8], &[0.3, 0.0, 0.0, -0.7]),
            arma(&[], &[2.0]),
        ];
        rows.push(Arma { ar: vec![0.5], ma: vec![0.4], seasonal_ar: vec![0.3], seasonal_ma: vec![-0.6] });
        for arma in rows {
            let (phi, theta) = (arma.phi(12), arma.theta(12));
            let mut gains = Gains::default();
            gains.compute(&phi, &theta, arma.is_invertible(), x.len()).expect("stationary");
            let mut fast = Vec::new();
            filter(&gains, &arma, &phi, 12, &x, &mut fast);
            let mut full = State::new(&phi, &theta).expect("stationary");
            let mut sum_log = 0.0;
            for (t, (value, v)) in x.iter().zip(&fast).enumerate() {
                sum_log += full.variance().ln();
                let expected = full.update(*value);
                assert!((v - expected).abs() < 1e-9, "{arma:?} t {t}: {v} against {expected}");
            }
            let difference = (gains.sum_log_variance(x.len()) - sum_log).abs();
            assert!(difference < 1e-9, "{arma:?}: sum of log F differs by {difference}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_objective() {
        let seasonal = |p, q, period| Seasonal { p, d: 0, q, period };
        let order = |p, d, q| Arima::new(Order { p, d, q });
        let rows = [
            (order(1, 0, 0), vec![0.7]),
            (order(0, 0, 1), vec![-1.3]),
            (order(2, 0, 2).with_mean(), vec![0.4, -0.3, 0.8, 0.2]),
            (order(2, 1, 1).with_drift(), vec![3.0, -0.3, 8.0]),
            (order(0, 0, 1), vec![60.0]),
            (order(1, 0, 1).with_mean().with_drift(), vec![5.0, 5.1]),
            (order(1, 0, 1).with_seasonal(seasonal(1, 1, 4)).with_mean(), vec![0.5, 0.4, 0.3, -2.0]),
            (order(0, 1, 1).with_seasonal(seasonal(0, 2, 12)), vec![0.5, 0.4, 0.3]),
            (order(3, 0, 0).with_seasonal(seasonal(2, 0, 7)), vec![0.5, 0.4, 0.3, 0.2, -0.5]),
        ];
        for (model, u) in rows {
            for n in [40, 400] {
                let prepared = Differenced::new(model, &series(n), &[]).expect("scales");
                let (mut workspace, mut gradient, mut ignored) =
                    (Workspace::default(), vec![0.0; u.len()], vec![0.0; u.len()]);
                prepared.objective(&u, &mut workspace, &mut gradient);
                for k in 0..u.len() {
                    let h = 1e-5 * u[k].abs().max(1.0);
                    let mut at = |step: f64| {
                        let mut moved = u.clone();
                        moved[k] += step;
                        prepared.objective(&moved, &mut workspace, &mut ignored)
                    };
                    // Fourth-order differences.
                    let numeric = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    let error = (gradient[k] - numeric).abs();
                    assert!(error < 1e-8 * (1.0 + numeric.abs()), "{model} n {n} k {k}: {} {numeric}", gradient[k]);
                }
            }
        }
    }

    #[test]
    fn white_noise_has_the_textbook_likelihood() {
        let y = [1.0, 3.0, 2.0, 6.0];
        let model = Arima::new(Order { p: 0, d: 0, q: 0 }).with_mean();
        let profile = Differenced::new(model, &y, &[])
            .expect("fits")
            .profile(&Arma::default())
            .expect("white noise is stationary");
        // Mean 3, squared deviations 4 + 0 + 1 + 9.
        assert!((profile.constants[0] - 3.0).abs() < 1e-14);
        assert!((profile.sigma2 - 14.0 / 4.0).abs() < 1e-14);
        let expected = -2.0 * ((2.0 * PI * 3.5).ln() + 1.0);
        assert!((profile.log_likelihood - expected).abs() < 1e-12);
    }
}
