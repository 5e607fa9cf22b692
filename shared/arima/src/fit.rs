//! Estimation by maximum likelihood, and evaluation at given coefficients.

use augurs_core::Fit;

use crate::{
    Arima, Coefficients, Constant, Error, FittedArima, Order,
    likelihood::{Differenced, Workspace},
    optimise,
    parameters::Arma,
    polynomial,
    start::hannan_rissanen,
};

impl Fit for Arima {
    type Fitted = FittedArima;
    type Error = Error;

    /// Exact maximum likelihood on the differenced series.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::TooShort`], [`Error::NoVariation`], and whatever the orders themselves are refused
    /// for. A constant series is answered by a model without AR and MA terms: it has variance 0.
    fn fit(&self, y: &[f64]) -> Result<FittedArima, Error> {
        let series = prepare(self, y)?;
        let mut starts = customary_starts(&series);
        starts.extend(near_cancelling_starts(self));
        fit_prepared(&series, y, starts)
    }
}

impl Arima {
    /// As [`Fit::fit`], but from the coefficients of a model of the same orders alone: what was right yesterday is nearly
    /// right today, and a rolling backtest should follow one optimum rather than jump between several.
    pub fn fit_from(&self, y: &[f64], near: &Coefficients) -> Result<FittedArima, Error> {
        let series = prepare(self, y)?;
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
        let series = prepare(&Arima { constant: left_to_estimate, ..*self }, &rest)?;
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

/// Checks the model and the series, and differences it.
pub(crate) fn prepare(model: &Arima, y: &[f64]) -> Result<Differenced, Error> {
    model.check()?;
    if let Some((index, &value)) = y.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        return Err(Error::NotFinite { index, value });
    }
    let needed = model.parameters() + model.lost_to_differencing();
    if y.len() < needed {
        return Err(Error::TooShort { model: *model, needed, got: y.len() });
    }
    Differenced::new(*model, y)
}

/// Where to start looking: the Hannan-Rissanen estimates, and white noise.
pub(crate) fn customary_starts(series: &Differenced) -> Vec<Vec<f64>> {
    let mut starts = vec![
        hannan_rissanen(&series.model, series.values()).to_unconstrained(),
        vec![0.0; series.model.arma_parameters()],
    ];
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
pub(crate) fn fit_prepared(series: &Differenced, y: &[f64], starts: Vec<Vec<f64>>) -> Result<FittedArima, Error> {
    let model = &series.model;
    if model.arma_parameters() == 0 {
        let arma = Arma::default();
        let profile = series.profile(&arma).expect("white noise is stationary");
        return FittedArima::assemble(model, y, &arma, &profile, true);
    }
    if series.is_degenerate() {
        return Err(Error::NoVariation { model: *model });
    }
    let mut workspace = Workspace::default();
    let mut ignored = vec![0.0; model.arma_parameters()];
    let best = starts
        .into_iter()
        .filter(|start| series.objective(start, &mut Workspace::default(), &mut ignored).is_finite())
        .map(|start| optimise::minimise(|u, gradient| series.objective(u, &mut workspace, gradient), start))
        .reduce(|best, other| if other.value < best.value { other } else { best })
        .ok_or(Error::NoVariation { model: *model })?;
    let arma = Arma::from_unconstrained(model, &best.point);
    let profile = series.profile(&arma).ok_or(Error::NoVariation { model: *model })?;
    FittedArima::assemble(model, y, &arma, &profile, best.converged)
}

/// Whether a root of either polynomial lies within this radius: such a model is close to not being stationary or
/// invertible, and its forecasts are close to an accident.
pub(crate) fn has_root_within(arma: &Arma, period: usize, radius: f64) -> bool {
    let theta: Vec<f64> = arma.theta(period).iter().map(|c| -c).collect();
    !polynomial::roots_outside(&arma.phi(period), radius) || !polynomial::roots_outside(&theta, radius)
}
