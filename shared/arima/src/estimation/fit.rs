//! Estimation by maximum likelihood, and evaluation at given coefficients.

use augurs::Fit;

use crate::{
    Arima, Coefficients, Constant, Error, FittedArima, Order,
    estimation::{
        information,
        optimise::{Minimum, minimise},
        parameters::Arma,
        regression::without,
    },
    kalman::{
        differenced::Workspace,
        series::{Series, bridged},
        start::HannanRissanen,
    },
    model::polynomial,
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
        self.fit_on(y, &[]).map(|(fitted, _)| fitted)
    }
}

impl Arima {
    /// As [`Fit::fit`], but from the coefficients of a model of the same orders alone: what was right yesterday is nearly
    /// right today, and a rolling backtest should follow one optimum rather than jump between several.
    pub fn fit_from(&self, y: &[f64], near: &Coefficients) -> Result<FittedArima, Error> {
        let series = Series::new(self, y)?;
        let start = near.arma(self)?.to_unconstrained();
        fitted_at(&series, y, &[], &estimate(&series, start, PRECISE)?).map(|(fitted, _)| fitted)
    }

    /// With columns to regress on, and their weights.
    pub(crate) fn fit_on(&self, y: &[f64], columns: &[Vec<f64>]) -> Result<(FittedArima, Vec<f64>), Error> {
        let series = Series::regressed(self, y, columns)?;
        fitted_at(&series, y, columns, &best_optimum(&series, y)?)
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

/// The best optimum that can be found.
///
/// In long series the Hannan-Rissanen estimates lead to the only one, unless autoregression and moving average nearly cancel
/// there, or a root comes to the unit circle: then the likelihood often has several tops. There, and in shorter series,
/// where they are less sharp and a fit is cheap, other starts are tried too.
fn best_optimum(series: &Series, y: &[f64]) -> Result<Minimum, Error> {
    let model = *series.model();
    let white = vec![0.0; model.arma_parameters()];
    let regression = HannanRissanen::new(&bridged(&model, y), model.seasonal.period).estimate(&model);
    let first = estimate(series, regression.to_unconstrained(), PRECISE)
        .or_else(|_| estimate(series, white.clone(), PRECISE))?;
    if first.converged && series.len() >= LONG && is_distinct(&model, &first.point, series.len()) {
        return Ok(first);
    }
    let rough = |start| estimate(series, start, ROUGH).ok();
    let others = std::iter::once(white).chain(pairs_of_roots(&model, series.len())).filter_map(rough);
    match others.reduce(|best, other| if other.value < best.value { other } else { best }) {
        Some(best) if best.value < first.value || !first.converged => {
            let other = estimate(series, best.point, PRECISE)?;
            Ok(if other.value < first.value { other } else { first })
        }
        _ => Ok(first),
    }
}

/// From so many observations on, one start may do.
const LONG: usize = 500;

/// Whether the coefficients are identified: no root is near the unit circle, and no variance is inflated tenfold (the
/// customary bound of regression diagnostics) by what the others could stand in for, or the observations are many enough
/// to make up for it.
fn is_distinct(model: &Arima, u: &[f64], n: usize) -> bool {
    if has_root_within(&Arma::from_unconstrained(model, u), 1.01) {
        return false;
    }
    let inflation = information::variance_inflation(model, u, n);
    inflation < 10.0 || n as f64 > 50.0 * inflation
}

/// AR and MA roots side by side at either end of the unit circle, where on prices the likelihood often has its highest top;
/// and, in shorter series, on opposite sides, halfway.
fn pairs_of_roots(model: &Arima, n: usize) -> Vec<Vec<f64>> {
    let Order { p, q, .. } = model.order;
    if p == 0 || q == 0 {
        return Vec::new();
    }
    // A moving average's partial autocorrelations have the other sign: equal ones cancel.
    let pairs: &[(f64, f64)] = &[(3.0, 3.0), (-3.0, -3.0), (0.7, -0.7), (-0.7, 0.7)];
    let pairs = if n < LONG { pairs } else { &pairs[..2] };
    let start = |&(ar, ma): &(f64, f64)| {
        let mut start = vec![0.0; model.arma_parameters()];
        start[0] = ar;
        start[p] = ma;
        start
    };
    pairs.iter().map(start).collect()
}

/// The model at an optimum of its likelihood, of what the columns leave, and their weights.
pub(crate) fn fitted_at(
    series: &Series,
    y: &[f64],
    columns: &[Vec<f64>],
    minimum: &Minimum,
) -> Result<(FittedArima, Vec<f64>), Error> {
    let model = series.model();
    let arma = Arma::from_unconstrained(model, &minimum.point);
    let mut profile = series.profile(&arma).ok_or(Error::NoVariation { model: *model })?;
    let weights = profile.constants.split_off(profile.constants.len() - columns.len());
    let rest = without(y, columns, &weights);
    Ok((FittedArima::assemble(model, &rest, &arma, &profile, minimum.converged)?, weights))
}

/// Log-likelihood that a converged search may have left: far below what any comparison of models looks at.
pub(crate) const PRECISE: f64 = 1e-7;

/// Enough to tell one optimum from another.
const ROUGH: f64 = 1e-5;

/// The optimum that a point leads to.
pub(crate) fn estimate(series: &Series, start: Vec<f64>, tolerance: f64) -> Result<Minimum, Error> {
    let model = *series.model();
    if start.is_empty() {
        return Ok(Minimum { point: start, value: 0.0, converged: true });
    }
    if series.is_degenerate() {
        return Err(Error::NoVariation { model });
    }
    let mut workspace = Workspace::default();
    let n = series.len();
    let objective = |u: &[f64], gradient: &mut [f64]| series.objective(u, &mut workspace, gradient);
    let minimum = minimise(objective, |u| information::metric(&model, u, n), start, tolerance / n as f64);
    if minimum.value < f64::INFINITY { Ok(minimum) } else { Err(Error::NoVariation { model }) }
}

/// Whether a root of one of its polynomials lies within this radius, each in its own variable: such a model is close to
/// not being stationary or invertible, and its forecasts are close to an accident.
pub(crate) fn has_root_within(arma: &Arma, radius: f64) -> bool {
    let inside = |coefficients: &[f64]| !polynomial::roots_outside(coefficients, radius);
    let negated = |coefficients: &[f64]| coefficients.iter().map(|c| -c).collect::<Vec<_>>();
    inside(&arma.ar) || inside(&arma.seasonal_ar) || inside(&negated(&arma.ma)) || inside(&negated(&arma.seasonal_ma))
}
