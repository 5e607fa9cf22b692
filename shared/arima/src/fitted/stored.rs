//! The stored form of a fitted model.
//!
//! A format once written is read for ever; only the newest is written. Numbers are written in their shortest form that
//! reads back to the same bits, so a model read back forecasts the same bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Arima, Coefficients, Error, FittedArima, fitted::Position, model::polynomial};

/// What is written, under `"format": 1`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format1 {
    format: u32,
    model: Arima,
    coefficients: Coefficients,
    sigma2: f64,
    /// `None` where it is infinite, which JSON cannot say.
    log_likelihood: Option<f64>,
    observations: usize,
    converged: bool,
    position: Position,
}

impl Serialize for FittedArima {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Format1 {
            format: 1,
            model: self.model,
            coefficients: self.coefficients.clone(),
            sigma2: self.sigma2,
            log_likelihood: self.log_likelihood.is_finite().then_some(self.log_likelihood),
            observations: self.observations,
            converged: self.converged,
            position: self.position.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FittedArima {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FittedArima::try_from(Format1::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl TryFrom<Format1> for FittedArima {
    type Error = Error;

    fn try_from(stored: Format1) -> Result<Self, Error> {
        let refuse = |what: &str| Err(Error::Stored { what: what.to_owned() });
        if stored.format != 1 {
            return refuse(&format!("format {} is not known", stored.format));
        }
        stored.model.check()?;
        let arma = stored.coefficients.arma(&stored.model)?;
        let Position { seen, undifferenced, recent, state } = &stored.position;
        let period = stored.model.seasonal.period;
        let (mut phi, theta) = (arma.phi(period), arma.theta(period));
        let mut lags = stored.model.lost_to_differencing();
        if *undifferenced {
            phi = polynomial::expand_autoregressive(&phi, &stored.model.differencing(), 1);
            lags = 0;
        }
        if !state.is_consistent() || !state.is_of(&phi, &theta) || !polynomial::roots_outside(&arma.phi(period), 1.0) {
            return refuse("the state does not belong to the coefficients");
        }
        if *seen < lags || recent.len() != lags || recent.iter().any(|v| !v.is_finite()) {
            return refuse("the recent values do not belong to the differencing");
        }
        if !(stored.sigma2.is_finite() && stored.sigma2 >= 0.0) {
            return refuse("sigma2 is not a variance");
        }
        let lags = if *undifferenced { Vec::new() } else { stored.model.differencing() };
        Ok(FittedArima {
            lags,
            model: stored.model,
            coefficients: stored.coefficients,
            sigma2: stored.sigma2,
            log_likelihood: stored.log_likelihood.unwrap_or(f64::INFINITY),
            observations: stored.observations,
            converged: stored.converged,
            position: stored.position,
            in_sample: None,
        })
    }
}
