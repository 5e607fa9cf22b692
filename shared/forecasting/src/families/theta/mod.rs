mod dynamic;

use std::fmt;

use ::arima::{Arima, FittedArima, Forecast, Order};
use augurs::Fit;
use serde::{Deserialize, Serialize};

use super::{Member, Specification, State, Summary, deseason};
use crate::{Kind, Seasons};
use dynamic::Dynamic;

/// The Theta method of Assimakopoulos & Nikolopoulos (2000, Int. J. Forecasting 16, 521-530), in the form of Hyndman & Billah
/// (2003, Int. J. Forecasting 19, 287-290): it is simple exponential smoothing with a drift of half the slope of the
/// straight line through the series (their eq. (8)). A season that the autocorrelation shows is taken out before, and put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Theta {
    /// The season's period; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub period: usize,
    /// Whether the season multiplies.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub multiplicative: bool,
    /// Whether line and smoothing are estimated together, as the dynamic optimised Theta model does: of values, not of prices.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dynamic: bool,
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(period: &usize) -> bool {
    *period == 0
}

/// A fitted method: the season's states, and the series without them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FittedTheta {
    /// The season's states, that of the first period first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    season: Vec<f64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    multiplicative: bool,
    #[serde(flatten)]
    form: Fitted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Fitted {
    Classical(Box<Classical>),
    Dynamic(Dynamic),
}

/// The smoothing as what it is, an ARIMA(0,1,1) around the drift's line: the engine estimates and updates it exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Classical {
    /// Half the slope, per period.
    drift: f64,
    /// Periods behind the state: where the line stands.
    seen: usize,
    /// The series without the line.
    smoothing: FittedArima,
}

impl Member for Theta {
    type State = FittedTheta;

    fn select(y: &[f64], season: Seasons, kind: Kind) -> Result<Specification, String> {
        Ok(Specification::Theta(Theta::selected(y, season, kind)))
    }

    fn fit(&self, y: &[f64]) -> Result<FittedTheta, String> {
        let y = &deseason::bridged(y)[..];
        if y.len() < 3 {
            return Err(format!("{} values are too few for {self}", y.len()));
        }
        let (season, plain) = match self.period {
            0 => (Vec::new(), y.to_vec()),
            period => deseason::decompose(y, period, self.multiplicative),
        };
        let form = if self.dynamic {
            Fitted::Dynamic(Dynamic::fit(&plain)?)
        } else {
            let drift = slope(&plain) / 2.0;
            let model = Arima::new(Order { p: 0, d: 1, q: 1 });
            let level = without_line(&plain, drift, 0);
            let smoothing = model.fit(&level).map_err(|error| error.to_string())?;
            Fitted::Classical(Box::new(Classical { drift, seen: y.len(), smoothing }))
        };
        Ok(FittedTheta { season, multiplicative: self.multiplicative, form })
    }
}

impl Theta {
    pub(super) fn selected(y: &[f64], season: Seasons, kind: Kind) -> Theta {
        let period = season.short();
        let plain = Theta { dynamic: !kind.is_price(), ..Theta::default() };
        if !deseason::is_seasonal(&deseason::bridged(y), period) {
            return plain;
        }
        Theta {
            period,
            multiplicative: !kind.is_price() && y.iter().all(|value| *value > 0.0 || value.is_nan()),
            ..plain
        }
    }
}

impl FittedTheta {
    fn seen(&self) -> usize {
        match &self.form {
            Fitted::Classical(classical) => classical.seen,
            Fitted::Dynamic(state) => state.seen(),
        }
    }

    /// The season's state of a period after those that were seen.
    fn season(&self, ahead: usize) -> Option<f64> {
        (!self.season.is_empty()).then(|| self.season[(self.seen() + ahead) % self.season.len()])
    }
}

impl State for FittedTheta {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        let plain: Vec<f64> = new
            .iter()
            .enumerate()
            .map(|(i, value)| match self.season(i) {
                None => *value,
                Some(state) if self.multiplicative => value / state,
                Some(state) => value - state,
            })
            .collect();
        match &mut self.form {
            Fitted::Dynamic(state) => plain.into_iter().for_each(|value| state.take_or_expect(value)),
            Fitted::Classical(classical) => {
                let Classical { drift, seen, smoothing } = &mut **classical;
                let level = without_line(&plain, *drift, *seen);
                FittedArima::advance(smoothing, &level).map_err(|error| error.to_string())?;
                *seen += new.len();
            }
        }
        Ok(())
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        let mut forecast = match &self.form {
            Fitted::Dynamic(state) => state.forecast(horizon),
            Fitted::Classical(classical) => {
                let Classical { drift, seen, smoothing } = &**classical;
                let mut forecast = FittedArima::forecast(smoothing, horizon).map_err(|error| error.to_string())?;
                let line = |h: usize| drift * (seen + h + 1) as f64;
                forecast.mean.iter_mut().enumerate().for_each(|(h, mean)| *mean += line(h));
                forecast
            }
        };
        for (h, (mean, error)) in forecast.mean.iter_mut().zip(&mut forecast.standard_error).enumerate() {
            match self.season(h) {
                None => {}
                Some(state) if self.multiplicative => {
                    *mean *= state;
                    *error *= state;
                }
                Some(state) => *mean += state,
            }
        }
        Ok(forecast)
    }

    fn summary(&self) -> Summary {
        match &self.form {
            Fitted::Dynamic(state) => state.summary(),
            Fitted::Classical(classical) => {
                let Classical { drift, smoothing, .. } = &**classical;
                let inner = State::summary(smoothing);
                // The moving average of an ARIMA(0,1,1) is the smoothing parameter less one (Muth 1960).
                let alpha = inner.coefficients.iter().find(|(name, _)| name == "ma1").map_or(1.0, |(_, ma)| 1.0 + ma);
                Summary { coefficients: vec![("alpha".to_owned(), alpha), ("drift".to_owned(), *drift)], ..inner }
            }
        }
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
        match (self.period, self.multiplicative) {
            (0, _) => f.write_str("Theta"),
            (period, false) => write!(f, "Theta[{period}]"),
            (period, true) => write!(f, "Theta[x{period}]"),
        }
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
        let fitted = Theta::default().fit(&y).expect("fits");
        let Fitted::Classical(ref classical) = fitted.form else { panic!("prices have the classical method") };
        let drift = classical.drift;
        assert!((drift - 0.005).abs() < 1e-6, "{drift}");
        let forecast = State::forecast(&fitted, 3).expect("forecasts");
        // Hyndman & Billah's point forecast: smoothed level plus drift (h - 1 + 1/alpha), the start's weight gone.
        let alpha = State::summary(&fitted).coefficients[0].1;
        for pair in forecast.mean.windows(2) {
            assert!((pair[1] - pair[0] - drift).abs() < 1e-9, "alpha {alpha}: {:?}", forecast.mean);
        }
        // SES variance: sigma2 (1 + (h - 1) alpha^2).
        let ratio = (forecast.standard_error[2] / forecast.standard_error[0]).powi(2);
        assert!((ratio - (1.0 + 2.0 * alpha * alpha)).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn advancing_is_seeing() {
        let y: Vec<f64> = (0..150).map(|t| (f64::from(t) * 0.37).sin() * 0.02 + 0.003 * f64::from(t)).collect();
        let mut fitted = Theta::default().fit(&y[..140]).expect("fits");
        State::advance(&mut fitted, &y[140..147]).expect("advances");
        let at_once = State::forecast(&fitted, 4).expect("forecasts");
        let mut again = Theta::default().fit(&y[..140]).expect("fits");
        for value in &y[140..147] {
            State::advance(&mut again, std::slice::from_ref(value)).expect("advances");
        }
        let one_by_one = State::forecast(&again, 4).expect("forecasts");
        for (a, b) in at_once.mean.iter().zip(&one_by_one.mean) {
            assert!((a - b).abs() < 1e-13);
        }
    }
}
