//! Estimation by maximum likelihood, and evaluation at given coefficients.

use augurs_core::Fit;

use crate::{
    Arima, Coefficients, Constant, Error, FittedArima, Order,
    differenced::Workspace,
    optimise,
    parameters::Arma,
    polynomial,
    series::{Series, bridged},
    start::HannanRissanen,
};

impl Fit for Arima {
    type Fitted = FittedArima;
    type Error = Error;

    /// Exact maximum likelihood on the differenced series. A value that is not a number is missing: the likelihood is then
    /// that of the values which are there.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::TooShort`], [`Error::NoVariation`], and whatever the orders themselves are refused
    /// for. A constant series is answered by a model without AR and MA terms: it has variance 0.
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        let series = Series::new(self, y)?;
        let mut starts = customary_starts(self, y);
        starts.extend(near_cancelling_starts(self));
        fit_prepared(&series, y, starts)
    }
}

impl Arima {
    /// As [`Fit::fit`], but from the coefficients of a model of the same orders alone: what was right yesterday is nearly
    /// right today, and a rolling backtest should follow one optimum rather than jump between several.
    pub fn fit_from(&self, y: &[f64], near: &Coefficients) -> Result<FittedArima, Error> {
        let series = Series::new(self, y)?;
        let start = near.arma(self)?.to_unconstrained();
        fit_prepared(&series, y, vec![start])
    }

    /// The likelihood and the fitted state at given coefficients. Nothing is estimated but sigma2 and whichever of the
    /// model's mean and drift the coefficients leave out.
    ///
    /// # Errors
    /// [`Error::Coefficients`] where they do not belong to this model or the autoregression is not stationary.
    pub fn evaluate(&self, y: &[f64], at: &Coefficients) -> Result<FittedArima, Error> {
        let arma = at.arma(self)?;
        self.check()?;
        let (mean, drift) = (at.mean, at.drift);
        let given = |t: usize| mean.unwrap_or(0.0) + drift.unwrap_or(0.0) * t as f64;
        let rest: Vec<f64> = y.iter().enumerate().map(|(index, v)| v - given(index + 1)).collect();
        let left_to_estimate = match (self.has_mean() && mean.is_none(), self.has_drift() && drift.is_none()) {
            (false, false) => Constant::None,
            (true, false) => Constant::Mean,
            (false, true) => Constant::Drift,
            (true, true) => Constant::Trend,
        };
        let series = Series::new(&Arima { constant: left_to_estimate, ..*self }, &rest)?;
        let mut profile = series
            .profile(&arma)
            .ok_or_else(|| Error::Coefficients { what: format!("{self}: the autoregression is not stationary") })?;
        let mut estimated = std::mem::take(&mut profile.constants).into_iter();
        if self.has_mean() {
            profile.constants.extend(mean.or_else(|| estimated.next()));
        }
        if self.has_drift() {
            profile.constants.extend(drift.or_else(|| estimated.next()));
        }
        FittedArima::assemble(self, y, &arma, &profile, true)
    }
}

/// Where to start looking: the Hannan-Rissanen estimates, and white noise.
fn customary_starts(model: &Arima, y: &[f64]) -> Vec<Vec<f64>> {
    let regression = HannanRissanen::new(&bridged(model, y), model.seasonal.period);
    let mut starts = vec![regression.estimate(model).to_unconstrained(), vec![0.0; model.arma_parameters()]];
    starts.dedup();
    starts
}

/// AR and MA roots side by side at either end of the unit circle: on prices the likelihood often has a second, higher
/// mode there that no other start leads to.
fn near_cancelling_starts(model: &Arima) -> Vec<Vec<f64>> {
    let Order { p, q, .. } = model.order;
    if p == 0 || q == 0 {
        return Vec::new();
    }
    [3.0, -3.0]
        .map(|u| {
            let mut start = vec![0.0; model.arma_parameters()];
            start[0] = u;
            start[p] = u;
            start
        })
        .into()
}

/// Maximises the likelihood from each of these points and keeps the best optimum.
fn fit_prepared(series: &Series, y: &[f64], starts: Vec<Vec<f64>>) -> Result<FittedArima, Error> {
    let estimate = estimate(series, starts, PRECISE)?;
    let arma = Arma::from_unconstrained(series.model(), &estimate.point);
    let profile = series.profile(&arma).ok_or(Error::NoVariation { model: *series.model() })?;
    FittedArima::assemble(series.model(), y, &arma, &profile, estimate.converged)
}

/// The objective is a log-likelihood per observation, of order 1: a gradient of 1e-6 leaves an error near 1e-12 in it.
pub(crate) const PRECISE: f64 = 1e-6;

/// The best optimum that these points lead to.
pub(crate) fn estimate(series: &Series, starts: Vec<Vec<f64>>, tolerance: f64) -> Result<optimise::Minimum, Error> {
    let model = *series.model();
    let parameters = model.arma_parameters();
    if parameters == 0 {
        return Ok(optimise::Minimum { point: Vec::new(), value: 0.0, converged: true });
    }
    if series.is_degenerate() {
        return Err(Error::NoVariation { model });
    }
    let mut workspace = Workspace::default();
    starts
        .into_iter()
        .map(|start| optimise::minimise(|u, gradient| series.objective(u, &mut workspace, gradient), start, tolerance))
        .filter(|minimum| minimum.value < f64::INFINITY)
        .reduce(|best, other| if other.value < best.value { other } else { best })
        .ok_or(Error::NoVariation { model })
}

/// Whether a root of one of its polynomials lies within this radius, each in its own variable: such a model is close to
/// not being stationary or invertible, and its forecasts are close to an accident.
pub(crate) fn has_root_within(arma: &Arma, radius: f64) -> bool {
    let inside = |coefficients: &[f64]| !polynomial::roots_outside(coefficients, radius);
    let negated = |coefficients: &[f64]| coefficients.iter().map(|c| -c).collect::<Vec<_>>();
    inside(&arma.ar) || inside(&arma.seasonal_ar) || inside(&negated(&arma.ma)) || inside(&negated(&arma.seasonal_ma))
}
