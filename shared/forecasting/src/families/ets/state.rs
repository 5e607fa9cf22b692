use ::arima::Forecast;
use serde::{Deserialize, Serialize};

use super::{Component, Ets, Trend};
use crate::families::{State, Summary};

/// A fitted smoothing: its parameters, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedEts {
    /// Absent from releases before, which had additive errors and no season.
    #[serde(default = "former")]
    pub(super) model: Ets,
    pub(super) alpha: f64,
    pub(super) beta: f64,
    #[serde(default)]
    pub(super) gamma: f64,
    #[serde(default = "undamped")]
    pub(super) phi: f64,
    pub(super) level: f64,
    pub(super) slope: f64,
    /// The season's states, that of the next value first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) season: Vec<f64>,
    pub(super) sigma2: f64,
    pub(super) observations: usize,
    pub(super) aicc: Option<f64>,
}

fn former() -> Ets {
    Ets { error: Component::Additive, trend: Trend::Additive, season: None, period: 1 }
}

fn undamped() -> f64 {
    1.0
}

impl FittedEts {
    /// What it is chosen by.
    pub(super) fn criterion(&self) -> f64 {
        self.aicc.unwrap_or(f64::INFINITY)
    }

    /// The next value without its season, and with it.
    fn next(&self) -> (f64, f64) {
        let trend = self.level + self.phi * self.slope;
        (trend, self.with_season(trend, 0))
    }

    fn with_season(&self, trend: f64, ahead: usize) -> f64 {
        match self.model.season {
            None => trend,
            Some(Component::Additive) => trend + self.season[ahead % self.season.len()],
            Some(Component::Multiplicative) => trend * self.season[ahead % self.season.len()],
        }
    }

    /// Takes in a value; answers with its error, as the model has errors, and what it was expected to be.
    pub(super) fn step(&mut self, value: f64) -> (f64, f64) {
        let (trend, expected) = self.next();
        // What is missing came as it was expected.
        let value = if value.is_nan() { expected } else { value };
        let season = self.season.first().copied();
        let slope = self.phi * self.slope;
        let (error, level_error, season_error) = match (self.model.error, self.model.season) {
            (Component::Additive, Some(Component::Multiplicative)) => {
                let error = value - expected;
                (error, error / season.unwrap_or(1.0), error / trend)
            }
            (Component::Additive, _) => {
                let error = value - expected;
                (error, error, error)
            }
            (Component::Multiplicative, Some(Component::Additive)) => {
                let error = (value - expected) / expected;
                (error, expected * error, expected * error)
            }
            (Component::Multiplicative, _) => {
                let error = (value - expected) / expected;
                (error, trend * error, season.unwrap_or(1.0) * error)
            }
        };
        self.level = trend + self.alpha * level_error;
        self.slope = slope + self.beta * level_error;
        if let Some(season) = season {
            self.season.rotate_left(1);
            let last = self.season.len() - 1;
            self.season[last] = season + self.gamma * season_error;
        }
        (error, expected)
    }
}

impl State for FittedEts {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        for value in new {
            self.step(*value);
        }
        if self.level.is_finite() && self.slope.is_finite() {
            Ok(())
        } else {
            Err("its level is no finite number any more".to_owned())
        }
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        if !(1..=::arima::MAX_HORIZON).contains(&horizon) {
            return Err(format!("horizon {horizon} is outside 1..={}", ::arima::MAX_HORIZON));
        }
        let mut mean = Vec::with_capacity(horizon);
        // The sum of the slope's powers of phi, and the weights of past errors (Hyndman et al. 2008, table 6.1).
        let mut reach = 0.0;
        let mut weights = Vec::with_capacity(horizon);
        let mut power = 1.0;
        for h in 1..=horizon {
            power *= self.phi;
            reach += power;
            mean.push(self.with_season(self.level + reach * self.slope, h - 1));
            let returns = !self.season.is_empty() && h % self.season.len() == 0;
            weights.push(self.alpha + self.beta * reach + if returns { self.gamma } else { 0.0 });
        }
        let mut variance = Vec::with_capacity(horizon);
        match self.model.error {
            Component::Additive => {
                let mut sum = 1.0;
                for weight in &weights {
                    variance.push(self.sigma2 * sum);
                    sum += weight * weight;
                }
            }
            Component::Multiplicative => {
                // Its eq. (6.2) and (6.3); a season that multiplies scales mean and error alike, nearly.
                let mut squares: Vec<f64> = Vec::with_capacity(horizon);
                let plain = |h: usize| match self.model.season {
                    Some(Component::Multiplicative) => mean[h] / self.season[h % self.season.len()],
                    _ => mean[h],
                };
                for h in 0..horizon {
                    let past: f64 = (1..=h).map(|j| weights[j - 1].powi(2) * squares[h - j]).sum();
                    let square = plain(h).powi(2) + self.sigma2 * past;
                    squares.push(square);
                    let own = (1.0 + self.sigma2) * square - plain(h).powi(2);
                    variance.push(own * (mean[h] / plain(h)).powi(2));
                }
            }
        }
        let standard_error = variance.into_iter().map(|variance| variance.max(0.0).sqrt()).collect();
        Ok(Forecast { mean, standard_error, degrees_of_freedom: f64::INFINITY })
    }

    fn summary(&self) -> Summary {
        let trend = (self.model.trend != Trend::None).then_some(());
        let named = [
            Some(("alpha", self.alpha)),
            trend.map(|()| ("beta", self.beta)),
            self.model.season.map(|_| ("gamma", self.gamma)),
            (self.model.trend == Trend::Damped).then_some(("phi", self.phi)),
            Some(("level", self.level)),
            trend.map(|()| ("slope", self.slope)),
        ];
        Summary {
            coefficients: named.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect(),
            sigma2: Some(self.sigma2),
            observations: self.observations,
            aicc: self.aicc,
        }
    }
}
