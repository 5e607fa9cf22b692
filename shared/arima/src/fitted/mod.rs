//! A fitted model: what was estimated, and the state it forecasts from.

pub(crate) mod diagnostics;
pub(crate) mod forecast;
pub(crate) mod predict;
#[cfg(feature = "rand")]
pub(crate) mod simulate;
#[cfg(feature = "serde")]
pub(crate) mod stored;

use crate::{
    Arima, Coefficients, Constant, Error, Forecast,
    estimation::parameters::Arma,
    kalman::{differenced::Profile, gaps::Gapped, series::check_values, state::State},
};

/// The longest horizon that can be asked for.
pub const MAX_HORIZON: usize = 10_000;

/// A fitted ARIMA model.
///
/// `sigma2` is the maximum-likelihood estimate (divisor n, the observations left after differencing). [`forecast`] uses it
/// and the coefficients as if they were known; [`predictive`] allows for their being estimates.
///
/// [`forecast`]: FittedArima::forecast
/// [`predictive`]: FittedArima::predictive
#[derive(Debug, Clone, PartialEq)]
pub struct FittedArima {
    pub(crate) model: Arima,
    pub(crate) coefficients: Coefficients,
    pub(crate) sigma2: f64,
    pub(crate) log_likelihood: f64,
    pub(crate) observations: usize,
    pub(crate) converged: bool,
    pub(crate) position: Position,
    /// delta_1.. of what differencing the state leaves to do; follows from the rest.
    pub(crate) lags: Vec<f64>,
    /// The training series with its one-step predictions; not stored.
    pub(crate) in_sample: Option<InSample>,
}

/// Where the model stands in time: everything a forecast needs beside the coefficients.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Position {
    /// Observations taken in so far: the drift's clock.
    pub(crate) seen: usize,
    /// The state is that of the undifferenced process: where values were missing, those before the last may be uncertain.
    pub(crate) undifferenced: bool,
    /// The last d + m D values of the series less its deterministic part, newest first; none where undifferenced.
    pub(crate) recent: Vec<f64>,
    /// The process after the last observation.
    pub(crate) state: State,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InSample {
    /// The series; not a number where a value is missing.
    pub(crate) observed: Vec<f64>,
    pub(crate) predicted: Vec<f64>,
    pub(crate) standard_errors: Vec<f64>,
}

impl FittedArima {
    /// Runs the series through the filter at these coefficients and keeps where it ends.
    pub(crate) fn assemble(
        model: &Arima,
        y: &[f64],
        arma: &Arma,
        profile: &Profile,
        converged: bool,
    ) -> Result<FittedArima, Error> {
        let period = model.seasonal.period;
        let state = State::new(&arma.phi(period), &arma.theta(period))
            .ok_or_else(|| Error::Coefficients { what: format!("{model}: the autoregression is not stationary") })?;
        let mut fitted = FittedArima {
            model: *model,
            coefficients: Coefficients::new(model, arma, &profile.constants),
            sigma2: profile.sigma2,
            log_likelihood: profile.log_likelihood,
            observations: y.iter().filter(|v| !v.is_nan()).count() - model.lost_to_differencing(),
            converged,
            position: Position { seen: 0, undifferenced: false, recent: Vec::new(), state },
            lags: model.differencing(),
            in_sample: None,
        };
        if !fitted.sigma2.is_finite() {
            return Err(Error::TooLarge);
        }
        if y.iter().any(|v| v.is_nan()) {
            let noise: Vec<f64> = y.iter().enumerate().map(|(t, v)| v - fitted.deterministic(t + 1)).collect();
            let gapped = Gapped::new(Arima { constant: Constant::None, ..*model }, &noise, &[])?;
            let (seen, state) = gapped.first_state(arma).ok_or(Error::Unstable { model: *model })?;
            fitted.position = Position { seen, undifferenced: true, recent: Vec::new(), state };
            fitted.lags.clear();
        }
        let start = fitted.position.seen;
        let mut predicted = y[..start].to_vec();
        let mut standard_errors = vec![0.0; start];
        for &value in &y[start..] {
            let (mean, standard_error) = fitted.one_step().unwrap_or((value, 0.0));
            predicted.push(mean);
            standard_errors.push(standard_error);
            fitted.take_in(value);
        }
        fitted.in_sample = Some(InSample { observed: y.to_vec(), predicted, standard_errors });
        if !fitted.position.state.is_consistent() || fitted.has_lost_digits(start)? {
            return Err(Error::Unstable { model: *model });
        }
        Ok(fitted)
    }

    /// Whether this filter and the likelihood's, which compute the same in different ways, disagree on sigma2: so close to
    /// the edge of the stationary region, rounding decides.
    fn has_lost_digits(&self, start: usize) -> Result<bool, Error> {
        if start > 0 || self.sigma2 == 0.0 {
            return Ok(false);
        }
        let square: f64 = self.residuals()?.iter().filter(|e| !e.is_nan()).map(|e| e * e).sum();
        Ok((square / self.observations as f64 - 1.0).abs() > 1e-3)
    }

    /// The model that was fitted.
    pub fn model(&self) -> &Arima {
        &self.model
    }

    /// The estimated coefficients.
    pub fn coefficients(&self) -> &Coefficients {
        &self.coefficients
    }

    /// Innovation variance, maximum likelihood.
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// Exact Gaussian log-likelihood of the differenced series; infinite where the model explains it entirely.
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Observations behind the likelihood: those left after differencing.
    pub fn observations(&self) -> usize {
        self.observations
    }

    /// Whether the optimiser reached an optimum.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// Akaike's criterion, -2 loglik + 2k, where k counts sigma2 too.
    pub fn aic(&self) -> f64 {
        aic(self.model.parameters(), self.log_likelihood)
    }

    /// Akaike's criterion corrected for small samples (Hurvich & Tsai 1989); infinite where n <= k + 1.
    pub fn aicc(&self) -> f64 {
        aicc(self.model.parameters(), self.log_likelihood, self.observations)
    }

    /// Schwarz's criterion, -2 loglik + k log n.
    pub fn bic(&self) -> f64 {
        bic(self.model.parameters(), self.log_likelihood, self.observations)
    }

    /// Takes in new observations without estimating again: the state advances, the coefficients stay. A value that is not a
    /// number is missing.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for an infinite one; the model is then as it was.
    pub fn advance(&mut self, new: &[f64]) -> Result<(), Error> {
        check_values(new)?;
        new.iter().for_each(|&value| self.take_in(value));
        self.in_sample = None;
        Ok(())
    }

    /// Means and standard errors of the next `horizon` observations.
    ///
    /// # Errors
    /// [`Error::Horizon`] outside 1..=[`MAX_HORIZON`].
    pub fn forecast(&self, horizon: usize) -> Result<Forecast, Error> {
        check_horizon(horizon)?;
        let delta = &self.lags;
        let mut noise: Vec<f64> = self.position.recent.iter().rev().copied().collect();
        for w in self.position.state.forecast(horizon) {
            let past: f64 =
                delta.iter().enumerate().map(|(j, c)| c * noise.get(noise.len() - 1 - j).unwrap_or(&0.0)).sum();
            noise.push(w + past);
        }
        let mean = noise[noise.len() - horizon..]
            .iter()
            .enumerate()
            .map(|(h, e)| e + self.deterministic(self.position.seen + 1 + h))
            .collect();
        let variances = self.position.state.forecast_variances(delta, horizon);
        let standard_error =
            widening(&self.model, variances.into_iter()).map(|variance| (self.sigma2 * variance).sqrt()).collect();
        Ok(Forecast::normal(mean, standard_error))
    }

    /// The training series with its predictions.
    pub(crate) fn in_sample(&self) -> Result<&InSample, Error> {
        self.in_sample.as_ref().ok_or(Error::NoTrainingSeries)
    }

    /// mean + drift t.
    fn deterministic(&self, t: usize) -> f64 {
        self.coefficients.mean.unwrap_or(0.0) + self.coefficients.drift.unwrap_or(0.0) * t as f64
    }

    /// Prediction and standard error of the next observation; `None` until differencing has all its lags.
    pub(crate) fn one_step(&self) -> Option<(f64, f64)> {
        let Position { seen, recent, state, .. } = &self.position;
        (recent.len() == self.lags.len()).then(|| {
            let mean = self.deterministic(seen + 1) + self.past() + state.predicted();
            (mean, (self.sigma2 * state.variance()).sqrt())
        })
    }

    /// What the values before contribute to the next through differencing.
    fn past(&self) -> f64 {
        self.lags.iter().zip(&self.position.recent).map(|(c, e)| c * e).sum()
    }

    pub(crate) fn take_in(&mut self, value: f64) {
        if value.is_nan() {
            return self.pass_over();
        }
        let noise = value - self.deterministic(self.position.seen + 1);
        let past = self.past();
        let Position { seen, recent, state, .. } = &mut self.position;
        *seen += 1;
        if recent.len() == self.lags.len() {
            state.update(noise - past);
            recent.pop();
        }
        if !self.lags.is_empty() {
            recent.insert(0, noise);
        }
    }

    /// A missing value: from here on, values before the last may be uncertain, so the state is that of the series itself.
    fn pass_over(&mut self) {
        if !self.position.undifferenced {
            let period = self.model.seasonal.period;
            let arma = self.coefficients.polynomials();
            let Position { state, recent, .. } = &self.position;
            self.position.state = state.beside(&arma.phi(period), &arma.theta(period), &self.lags, recent);
            self.position.undifferenced = true;
            self.position.recent.clear();
            self.lags.clear();
        }
        self.position.seen += 1;
        self.position.state.skip();
    }
}

/// Forecast variances that never shrink with the horizon where the series is differenced: the innovations to come only
/// ever add. What is uncertain in the present state may fade by a fraction of order 1/n; an interval that narrowed for
/// that would mislead.
pub(crate) fn widening(model: &Arima, variances: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let differenced = model.lost_to_differencing() > 0;
    variances.scan(0.0_f64, move |largest, variance| {
        *largest = if differenced { largest.max(variance) } else { variance };
        Some(*largest)
    })
}

pub(crate) fn check_horizon(horizon: usize) -> Result<(), Error> {
    if horizon == 0 || horizon > MAX_HORIZON {
        return Err(Error::Horizon { got: horizon, max: MAX_HORIZON });
    }
    Ok(())
}

pub(crate) fn aic(parameters: usize, log_likelihood: f64) -> f64 {
    -2.0 * log_likelihood + 2.0 * parameters as f64
}

pub(crate) fn bic(parameters: usize, log_likelihood: f64, observations: usize) -> f64 {
    -2.0 * log_likelihood + parameters as f64 * (observations as f64).ln()
}

/// -2 loglik + 2 k n / (n - k - 1).
pub(crate) fn aicc(parameters: usize, log_likelihood: f64, observations: usize) -> f64 {
    let (k, n) = (parameters as f64, observations as f64);
    if n <= k + 1.0 { f64::INFINITY } else { -2.0 * log_likelihood + 2.0 * k * n / (n - k - 1.0) }
}
