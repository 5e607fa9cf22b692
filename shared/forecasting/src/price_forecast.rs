//! Forecast distributions of prices, and the two kinds of intervals around them.

use ::arima::Forecast;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::{Calibration, Level, calibration};

/// How wide intervals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum IntervalKind {
    /// As the model itself says: one standard error, and the normal distribution.
    Model,
    /// Scaled by what prices did lately and what the intervals held lately: see [`Calibration`].
    #[default]
    Adaptive,
}

impl IntervalKind {
    /// The other one.
    #[must_use]
    pub fn other(self) -> IntervalKind {
        match self {
            IntervalKind::Model => IntervalKind::Adaptive,
            IntervalKind::Adaptive => IntervalKind::Model,
        }
    }
}

/// Forecast distributions of the next sessions' prices, symmetric on the logarithm, one a session.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceForecast {
    log: Forecast,
    factor: f64,
    calibration: Option<Calibration>,
}

impl PriceForecast {
    pub(crate) fn new(log: Forecast) -> PriceForecast {
        PriceForecast { log, factor: 1.0, calibration: None }
    }

    /// In a basis whose prices are this many times the present one's.
    #[must_use]
    pub fn rebased(self, factor: f64) -> Self {
        PriceForecast { factor: self.factor * factor, ..self }
    }

    /// With adaptive intervals.
    #[must_use]
    pub fn calibrated(self, calibration: Calibration) -> Self {
        PriceForecast { calibration: Some(calibration), ..self }
    }

    /// How wide its intervals are.
    pub fn kind(&self) -> IntervalKind {
        if self.calibration.is_some() { IntervalKind::Adaptive } else { IntervalKind::Model }
    }

    /// Sessions ahead.
    pub fn horizon(&self) -> usize {
        self.log.mean.len()
    }

    /// The central forecasts: exp of the mean log price, which is the median of the price.
    pub fn central(&self) -> Vec<f64> {
        self.log.mean.iter().map(|mean| self.price(*mean)).collect()
    }

    /// Standard errors of the log prices, at the present scale.
    pub fn standard_errors(&self) -> Vec<f64> {
        let scale = self.calibration.as_ref().map_or(1.0, Calibration::scale);
        self.log.standard_error.iter().map(|error| error * scale).collect()
    }

    /// Lower and upper ends of the central intervals of this level.
    pub fn interval(&self, level: Level) -> (Vec<f64>, Vec<f64>) {
        let deviate = self.deviate(level);
        let end = |h: usize, sign: f64| self.price(self.log.mean[h] + sign * deviate * self.log.standard_error[h]);
        (0..self.horizon()).map(|h| (end(h, -1.0), end(h, 1.0))).unzip()
    }

    /// Half the width of an interval in the model's standard errors.
    fn deviate(&self, level: Level) -> f64 {
        match &self.calibration {
            None => Normal::standard().inverse_cdf(level.upper_tail()),
            Some(calibration) => calibration.deviate(level),
        }
    }

    /// The ends of the intervals at [`calibration::GRID`], narrowest first, at one step.
    pub(crate) fn grid(&self, h: usize) -> impl Iterator<Item = (f64, f64)> {
        let deviates = match &self.calibration {
            None => *calibration::NORMAL_GRID,
            Some(calibration) => calibration.grid(),
        };
        let (mean, error) = (self.log.mean[h], self.log.standard_error[h]);
        deviates.into_iter().map(move |d| (self.price(mean - d * error), self.price(mean + d * error)))
    }

    fn price(&self, log: f64) -> f64 {
        log.exp() * self.factor
    }
}
