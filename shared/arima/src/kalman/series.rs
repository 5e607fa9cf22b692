//! A series as estimation sees it, with or without gaps.

use crate::{
    Arima, Error,
    estimation::parameters::Arma,
    kalman::{
        differenced::{Differenced, Profile, Workspace},
        gaps::Gapped,
        imputation::filled,
    },
    model::polynomial,
};

/// A checked series of one model, ready for its likelihood.
#[derive(Debug)]
pub(crate) enum Series {
    /// Every value is there.
    Complete(Differenced),
    /// Some are missing.
    Gapped(Gapped),
}

impl Series {
    /// Checks the model and the series. A value that is not a number is missing; an infinite one is refused.
    pub(crate) fn new(model: &Arima, y: &[f64]) -> Result<Series, Error> {
        Series::regressed(model, y, &[])
    }

    /// With columns to regress on, finite and as long as the series.
    pub(crate) fn regressed(model: &Arima, y: &[f64], columns: &[Vec<f64>]) -> Result<Series, Error> {
        model.check()?;
        check_values(y)?;
        let needed = model.parameters() + model.lost_to_differencing() + columns.len();
        let got = y.iter().filter(|v| !v.is_nan()).count();
        if got < needed {
            return Err(Error::TooShort { model: *model, needed, got });
        }
        if got == y.len() {
            Ok(Series::Complete(Differenced::new(*model, y, columns)?))
        } else {
            let series = Gapped::new(*model, y, columns)?;
            // Differencing at a season's length needs every step of the season once.
            if series.profile(&Arma::default()).is_none() {
                return Err(Error::Undetermined { model: *model });
            }
            Ok(Series::Gapped(series))
        }
    }

    pub(crate) fn model(&self) -> &Arima {
        match self {
            Series::Complete(series) => &series.model,
            Series::Gapped(series) => &series.model,
        }
    }

    /// Observations behind the likelihood.
    pub(crate) fn len(&self) -> usize {
        match self {
            Series::Complete(series) => series.len(),
            Series::Gapped(series) => series.len(),
        }
    }

    /// The likelihood with what was concentrated out; `None` outside the stationary region.
    pub(crate) fn profile(&self, arma: &Arma) -> Option<Profile> {
        match self {
            Series::Complete(series) => series.profile(arma),
            Series::Gapped(series) => series.profile(arma),
        }
    }

    /// The whitened innovations at these coefficients, in the series' own units: their mean square is sigma2.
    pub(crate) fn whitened(&self, arma: &Arma) -> Option<Vec<f64>> {
        match self {
            Series::Complete(series) => series.whitened(arma),
            Series::Gapped(series) => series.whitened(arma),
        }
    }

    /// -log-likelihood per observation, up to a constant, and its gradient; infinite where it is not defined.
    pub(crate) fn objective(&self, u: &[f64], workspace: &mut Workspace, gradient: &mut [f64]) -> f64 {
        match self {
            Series::Complete(series) => series.objective(u, workspace, gradient),
            Series::Gapped(series) => series.objective(u, workspace, gradient),
        }
    }

    /// The objective alone.
    pub(crate) fn value(&self, u: &[f64], workspace: &mut Workspace) -> f64 {
        match self {
            Series::Complete(series) => series.value(u, workspace),
            Series::Gapped(series) => series.value(u, workspace),
        }
    }

    /// The log-likelihood, in the series' own scale, of a value of the objective.
    pub(crate) fn log_likelihood(&self, objective: f64) -> f64 {
        match self {
            Series::Complete(series) => series.log_likelihood(objective),
            Series::Gapped(series) => series.log_likelihood(objective),
        }
    }

    /// Whether nothing is left for ARMA terms to explain: the differenced series is a constant, or the model's own constant
    /// explains it, down to rounding.
    pub(crate) fn is_degenerate(&self) -> bool {
        let still = match self {
            Series::Complete(series) => series.is_still(),
            Series::Gapped(series) => series.is_still(),
        };
        still || self.profile(&Arma::default()).is_some_and(|profile| profile.sigma2 == 0.0)
    }
}

/// Refuses infinite values.
pub(crate) fn check_values(y: &[f64]) -> Result<(), Error> {
    match y.iter().enumerate().find(|(_, v)| v.is_infinite()) {
        Some((index, &value)) => Err(Error::NotFinite { index, value }),
        None => Ok(()),
    }
}

/// The differenced values, gaps bridged: what tests and starting values look at.
pub(crate) fn bridged(model: &Arima, y: &[f64]) -> Vec<f64> {
    polynomial::difference(&filled(y), &model.differencing())
}
