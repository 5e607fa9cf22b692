//! A fitted model: what was estimated, and the state it forecasts from.

use crate::{
    Arima, Coefficients, Constant, Error, Forecast, differenced::Profile, gaps::Gapped, parameters::Arma, state::State,
};

/// The longest horizon that can be asked for.
pub const MAX_HORIZON: usize = 10_000;

/// A fitted ARIMA model.
///
/// `sigma2` is the maximum-likelihood estimate (divisor n, the observations left after differencing), and intervals use
/// it as it is; parameter uncertainty is not in them.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedArima {
    pub(crate) model: Arima,
    pub(crate) coefficients: Coefficients,
    pub(crate) sigma2: f64,
    pub(crate) log_likelihood: f64,
    pub(crate) observations: usize,
    pub(crate) converged: bool,
    pub(crate) position: Position,
    /// One-step predictions of the training series; not stored.
    pub(crate) in_sample: Option<InSample>,
}

/// Where the model stands in time: everything a forecast needs beside the coefficients.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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
            in_sample: None,
        };
        if !fitted.sigma2.is_finite() {
            return Err(Error::TooLarge);
        }
        if y.iter().any(|v| v.is_nan()) {
            let noise: Vec<f64> = y.iter().enumerate().map(|(t, v)| v - fitted.deterministic(t + 1)).collect();
            let gapped = Gapped::new(Arima { constant: Constant::None, ..*model }, &noise)?;
            let state = gapped.state(arma).ok_or(Error::TooLarge)?;
            fitted.position = Position { seen: y.len(), undifferenced: true, recent: Vec::new(), state };
            return Ok(fitted);
        }
        let mut in_sample =
            InSample { predicted: Vec::with_capacity(y.len()), standard_errors: Vec::with_capacity(y.len()) };
        let delta = model.differencing();
        for &value in y {
            let (predicted, standard_error) = fitted.one_step(&delta).unwrap_or((value, 0.0));
            in_sample.predicted.push(predicted);
            in_sample.standard_errors.push(standard_error);
            fitted.take_in(value, &delta);
        }
        fitted.in_sample = Some(in_sample);
        Ok(fitted)
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
        aic(&self.model, self.log_likelihood)
    }

    /// Akaike's criterion corrected for small samples (Hurvich & Tsai 1989); infinite where n <= k + 1.
    pub fn aicc(&self) -> f64 {
        aicc(&self.model, self.log_likelihood, self.observations)
    }

    /// Schwarz's criterion, -2 loglik + k log n.
    pub fn bic(&self) -> f64 {
        bic(&self.model, self.log_likelihood, self.observations)
    }

    /// Takes in new observations without estimating again: the state advances, the coefficients stay.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; the model is then as it was.
    pub fn advance(&mut self, new: &[f64]) -> Result<(), Error> {
        if let Some((index, &value)) = new.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NotFinite { index, value });
        }
        let delta = self.lags();
        for &value in new {
            self.take_in(value, &delta);
        }
        self.in_sample = None;
        Ok(())
    }

    /// Means and standard errors of the next `horizon` observations.
    ///
    /// # Errors
    /// [`Error::Horizon`] outside 1..=[`MAX_HORIZON`].
    pub fn forecast(&self, horizon: usize) -> Result<Forecast, Error> {
        if horizon == 0 || horizon > MAX_HORIZON {
            return Err(Error::Horizon { got: horizon, max: MAX_HORIZON });
        }
        let delta = self.lags();
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
        let mut largest = 0.0_f64;
        let standard_error = self
            .position
            .state
            .forecast_variances(&delta, horizon)
            .into_iter()
            .map(|variance| {
                // Where a series is differenced, the innovations to come only ever add. What is uncertain in the present
                // state may fade by a fraction of order 1/n; an interval that narrowed for that would mislead.
                largest = if self.model.lost_to_differencing() == 0 { variance } else { largest.max(variance) };
                (self.sigma2 * largest).sqrt()
            })
            .collect();
        Ok(Forecast { mean, standard_error })
    }

    /// The differencing that the state leaves to do.
    fn lags(&self) -> Vec<f64> {
        if self.position.undifferenced { Vec::new() } else { self.model.differencing() }
    }

    /// mean + drift t.
    fn deterministic(&self, t: usize) -> f64 {
        self.coefficients.mean.unwrap_or(0.0) + self.coefficients.drift.unwrap_or(0.0) * t as f64
    }

    /// Prediction and standard error of the next observation; `None` until differencing has all its lags.
    fn one_step(&self, delta: &[f64]) -> Option<(f64, f64)> {
        let Position { seen, recent, state, .. } = &self.position;
        (recent.len() == delta.len()).then(|| {
            let past: f64 = delta.iter().zip(recent).map(|(c, e)| c * e).sum();
            let mean = self.deterministic(seen + 1) + past + state.predicted();
            (mean, (self.sigma2 * state.variance()).sqrt())
        })
    }

    fn take_in(&mut self, value: f64, delta: &[f64]) {
        let noise = value - self.deterministic(self.position.seen + 1);
        let Position { seen, recent, state, .. } = &mut self.position;
        *seen += 1;
        if recent.len() == delta.len() {
            let past: f64 = delta.iter().zip(recent.iter()).map(|(c, e)| c * e).sum();
            state.update(noise - past);
            recent.pop();
        }
        if !delta.is_empty() {
            recent.insert(0, noise);
        }
    }
}

pub(crate) fn aic(model: &Arima, log_likelihood: f64) -> f64 {
    -2.0 * log_likelihood + 2.0 * model.parameters() as f64
}

pub(crate) fn bic(model: &Arima, log_likelihood: f64, observations: usize) -> f64 {
    -2.0 * log_likelihood + model.parameters() as f64 * (observations as f64).ln()
}

/// -2 loglik + 2 k n / (n - k - 1).
pub(crate) fn aicc(model: &Arima, log_likelihood: f64, observations: usize) -> f64 {
    let (k, n) = (model.parameters() as f64, observations as f64);
    if n <= k + 1.0 { f64::INFINITY } else { -2.0 * log_likelihood + 2.0 * k * n / (n - k - 1.0) }
}
