//! Forecast distributions of prices, and the two kinds of intervals around them.

use ::arima::Forecast;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::{Calibration, Kind, Level, Outlook};

/// How wide intervals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum IntervalKind {
    /// As the model itself says: one standard error, and the normal distribution.
    Model,
    /// As wide as prices have been moving lately, and as what held lately: see [`Calibration`].
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

/// The level at which a taught interval tells a standard error: the normal distribution's one deviation, nearly.
const TAUGHT: Level = Level::new(68.27);

/// Forecast distributions of the next sessions' prices, symmetric on the logarithm, one a session.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceForecast {
    log: Forecast,
    kind: Kind,
    factor: f64,
    calibration: Option<Calibration>,
}

impl PriceForecast {
    pub(crate) fn new(log: Forecast, kind: Kind) -> PriceForecast {
        PriceForecast { log, kind, factor: 1.0, calibration: None }
    }

    /// What is forecast from a value on; without standard errors, there are no intervals but adaptive ones.
    pub fn of_outlook(last: f64, outlook: &Outlook, kind: Kind) -> PriceForecast {
        let Outlook { centres, errors } = outlook;
        let level = kind.level(last);
        let mean: Vec<f64> = centres.iter().map(|change| level + change).collect();
        let standard_error = errors.clone().unwrap_or_else(|| vec![0.0; mean.len()]);
        PriceForecast::new(Forecast { mean, standard_error, degrees_of_freedom: f64::INFINITY }, kind)
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
    pub fn intervals(&self) -> IntervalKind {
        if self.calibration.is_some() { IntervalKind::Adaptive } else { IntervalKind::Model }
    }

    /// What the numbers are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Sessions ahead.
    pub fn horizon(&self) -> usize {
        self.log.mean.len()
    }

    /// The central forecasts: exp of the mean log price, which is the median of the price.
    pub fn central(&self) -> Vec<f64> {
        self.log.mean.iter().map(|mean| self.price(*mean)).collect()
    }

    /// The changes from the newest level, and the model's own errors.
    pub(crate) fn outlook(&self, newest: f64) -> Outlook {
        let centres = self.log.mean.iter().map(|level| level - newest).collect();
        Outlook { centres, errors: Some(self.log.standard_error.clone()) }
    }

    /// Standard errors of the log prices: the model's own, or what their intervals have been taught.
    pub fn standard_errors(&self) -> Vec<f64> {
        let normal = Normal::standard().inverse_cdf(TAUGHT.upper_tail());
        match &self.calibration {
            None => self.log.standard_error.clone(),
            Some(taught) => (1..=self.horizon()).map(|h| taught.half_width(TAUGHT, h) / normal).collect(),
        }
    }

    /// Lower and upper ends of the central intervals of this level.
    pub fn interval(&self, level: Level) -> (Vec<f64>, Vec<f64>) {
        let ends = |h: usize| {
            let half = match &self.calibration {
                None => Normal::standard().inverse_cdf(level.upper_tail()) * self.log.standard_error[h],
                Some(calibration) => calibration.half_width(level, h + 1),
            };
            (self.price(self.log.mean[h] - half), self.price(self.log.mean[h] + half))
        };
        (0..self.horizon()).map(ends).unzip()
    }

    fn price(&self, log: f64) -> f64 {
        self.kind.value(log) * self.factor
    }
}
