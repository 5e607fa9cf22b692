use std::fmt;

use ::arima::{Arima, FittedArima, Forecast, Order};
use augurs::Fit;
use serde::{Deserialize, Serialize};

use crate::Seasons;
use super::{Member, Specification, State, Summary};

/// The Theta method of Assimakopoulos & Nikolopoulos (2000, Int. J. Forecasting 16, 521-530), in the form of Hyndman & Billah
/// (2003, Int. J. Forecasting 19, 287-290): it is simple exponential smoothing with a drift of half the slope of the
/// straight line through the series (their eq. (8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Theta {}

/// The smoothing as what it is, an ARIMA(0,1,1) around the drift's line: the engine estimates and updates it exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedTheta {
    /// Half the slope, per session.
    drift: f64,
    /// Sessions behind the state: where the line stands.
    seen: usize,
    /// The series without the line.
    smoothing: FittedArima,
}

impl Member for Theta {
    type State = FittedTheta;

    fn select(_: &[f64], _: Seasons) -> Result<Specification, String> {
        Ok(Specification::Theta(Theta {}))
    }

    fn fit(&self, y: &[f64]) -> Result<FittedTheta, String> {
        let drift = slope(y) / 2.0;
        let model = Arima::new(Order { p: 0, d: 1, q: 1 });
        let level = without_line(y, drift, 0);
        let smoothing = model.fit(&level).map_err(|error| error.to_string())?;
        Ok(FittedTheta { drift, seen: y.len(), smoothing })
    }
}

impl State for FittedTheta {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        let level = without_line(new, self.drift, self.seen);
        FittedArima::advance(&mut self.smoothing, &level).map_err(|error| error.to_string())?;
        self.seen += new.len();
        Ok(())
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        let mut forecast = FittedArima::forecast(&self.smoothing, horizon).map_err(|error| error.to_string())?;
        for (h, mean) in forecast.mean.iter_mut().enumerate() {
            *mean += self.drift * (self.seen + h + 1) as f64;
        }
        Ok(forecast)
    }

    fn summary(&self) -> Summary {
        let inner = State::summary(&self.smoothing);
        // The moving average of an ARIMA(0,1,1) is the smoothing parameter less one (Muth 1960).
        let alpha = inner.coefficients.iter().find(|(name, _)| name == "ma1").map_or(1.0, |(_, ma)| 1.0 + ma);
        Summary { coefficients: vec![("alpha".to_owned(), alpha), ("drift".to_owned(), self.drift)], ..inner }
    }
}

/// Least squares slope over t = 1, 2, ...
fn slope(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let (centre, mean) = (f64::midpoint(n, 1.0), y.iter().sum::<f64>() / n);
    let steps = || (1..=y.len()).map(|t| t as f64 - centre);
    let covariance: f64 = steps().zip(y).map(|(t, value)| t * (value - mean)).sum();
    covariance / steps().map(|t| t * t).sum::<f64>()
}

fn without_line(y: &[f64], drift: f64, seen: usize) -> Vec<f64> {
    y.iter().enumerate().map(|(i, value)| value - drift * (seen + i + 1) as f64).collect()
}

impl fmt::Display for Theta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Theta")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without noise, the line's own slope is forgotten but for half of it: with smoothing parameter 1 (a series whose steps
    /// are all alike) the forecast is the last value plus half the slope a session.
    #[test]
    fn half_the_slope() {
        let y: Vec<f64> = (0..80).map(|t| 0.01 * f64::from(t) + if t % 2 == 0 { 0.001 } else { -0.001 }).collect();
        let fitted = Theta {}.fit(&y).expect("fits");
        assert!((fitted.drift - 0.005).abs() < 1e-6, "{}", fitted.drift);
        let forecast = State::forecast(&fitted, 3).expect("forecasts");
        // Hyndman & Billah's point forecast: smoothed level plus drift (h - 1 + 1/alpha), the start's weight gone.
        let alpha = State::summary(&fitted).coefficients[0].1;
        for pair in forecast.mean.windows(2) {
            assert!((pair[1] - pair[0] - fitted.drift).abs() < 1e-9, "alpha {alpha}: {:?}", forecast.mean);
        }
        // SES variance: sigma2 (1 + (h - 1) alpha^2).
        let ratio = (forecast.standard_error[2] / forecast.standard_error[0]).powi(2);
        assert!((ratio - (1.0 + 2.0 * alpha * alpha)).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn advancing_is_seeing() {
        let y: Vec<f64> = (0..150).map(|t| (f64::from(t) * 0.37).sin() * 0.02 + 0.003 * f64::from(t)).collect();
        let mut fitted = Theta {}.fit(&y[..140]).expect("fits");
        State::advance(&mut fitted, &y[140..147]).expect("advances");
        let at_once = State::forecast(&fitted, 4).expect("forecasts");
        let mut again = Theta {}.fit(&y[..140]).expect("fits");
        for value in &y[140..147] {
            State::advance(&mut again, std::slice::from_ref(value)).expect("advances");
        }
        let one_by_one = State::forecast(&again, 4).expect("forecasts");
        for (a, b) in at_once.mean.iter().zip(&one_by_one.mean) {
            assert!((a - b).abs() < 1e-13);
        }
    }
}
