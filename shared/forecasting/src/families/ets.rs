use std::fmt;

use ::arima::Forecast;
use augurs::{Fit, Predict};
use augurs::ets::{
    AutoETS,
    model::{ErrorComponent, Model, ModelType, SeasonalComponent, TrendComponent, Unfit},
};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::Seasons;
use super::{Member, Specification, State, Summary};

/// Exponential smoothing with additive errors, ETS(A,N,N) or ETS(A,A,N), estimated by augurs (Hyndman, Koehler, Ord & Snyder
/// 2008, Forecasting with Exponential Smoothing, chapter 2). On log prices, additive errors are relative ones. Damped trends
/// are left out: augurs 0.10.3 adds up their damping with a power that is one too low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ets {
    /// With a trend.
    pub trend: bool,
}

/// augurs' fitted models can neither be stored nor take in further values. What they forecast tells all of their state: so
/// that is what is kept, and tests hold the restored forecasts against augurs' own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FittedEts {
    alpha: f64,
    beta: f64,
    level: f64,
    slope: f64,
    sigma2: f64,
    observations: usize,
    aicc: Option<f64>,
}

impl Member for Ets {
    type State = FittedEts;

    fn select(y: &[f64], _: Seasons) -> Result<Specification, String> {
        Ets::selected(y).map(Specification::Ets)
    }

    fn fit(&self, y: &[f64]) -> Result<FittedEts, String> {
        // Around its last value: what is read back below is then exact to the last digits of the errors, not of the level.
        let (centred, last) = centred(y);
        if centred.iter().all(|value| *value == 0.0) {
            return Err("the series does not vary, so there is nothing to smooth".to_owned());
        }
        let restored = FittedEts::read_from(&self.estimated(&centred)?, self.trend, y.len())?;
        Ok(FittedEts { level: restored.level + last, ..restored })
    }
}

impl Ets {
    /// With or without a trend, by the corrected Akaike criterion.
    pub(super) fn selected(y: &[f64]) -> Result<Ets, String> {
        let fitted = AutoETS::new(1, "AZN").and_then(|search| search.damped(false)?.fit(&centred(y).0));
        let trend = fitted.map_err(|error| error.to_string())?.model().model_type().trend;
        Ok(Ets { trend: trend == TrendComponent::Additive })
    }

    /// Not by augurs' search: in 0.10.3 it finds no model where no trend is asked for.
    fn estimated(self, y: &[f64]) -> Result<Model, String> {
        let trend = if self.trend { TrendComponent::Additive } else { TrendComponent::None };
        let kind = ModelType { error: ErrorComponent::Additive, trend, season: SeasonalComponent::None };
        Unfit::new(kind).damped(false).fit(y).map_err(|error| error.to_string())
    }
}

/// A series around its last value, and that value.
fn centred(y: &[f64]) -> (Vec<f64>, f64) {
    let last = y.last().copied().unwrap_or_default();
    (y.iter().map(|value| value - last).collect(), last)
}

impl FittedEts {
    /// Level and slope from the first two forecasts; alpha and beta from how the variance grows over the first three:
    /// 1, 1 + c1^2, 1 + c1^2 + c2^2 times sigma2, with c_j = alpha + j beta (Hyndman et al. 2008, table 6.1).
    fn read_from(fitted: &Model, trend: bool, observations: usize) -> Result<FittedEts, String> {
        const LEVEL: f64 = 0.95;
        let forecast = fitted.predict(3, LEVEL).map_err(|error| error.to_string())?;
        let intervals = forecast.intervals.ok_or("augurs gives no intervals")?;
        let width = 2.0 * Normal::standard().inverse_cdf(0.5 + LEVEL / 2.0);
        let variance = |h: usize| ((intervals.upper[h] - intervals.lower[h]) / width).powi(2);
        let sigma2 = variance(0);
        if !(sigma2.is_finite() && sigma2 > 0.0 && forecast.point.iter().all(|value| value.is_finite())) {
            return Err("augurs' forecasts are no finite numbers".to_owned());
        }
        let step = |h: usize| ((variance(h) - variance(h - 1)) / sigma2).max(0.0).sqrt();
        let (c1, c2) = (step(1), step(2));
        let (beta, slope) = if trend { (c2 - c1, forecast.point[1] - forecast.point[0]) } else { (0.0, 0.0) };
        Ok(FittedEts {
            alpha: c1 - beta,
            beta,
            level: forecast.point[0] - slope,
            slope,
            sigma2,
            observations,
            aicc: Some(fitted.aicc()).filter(|aicc| aicc.is_finite()),
        })
    }
}

impl State for FittedEts {
    fn advance(&mut self, new: &[f64]) -> Result<(), String> {
        for value in new {
            let error = value - self.level - self.slope;
            self.level += self.slope + self.alpha * error;
            self.slope += self.beta * error;
        }
        Ok(())
    }

    fn forecast(&self, horizon: usize) -> Result<Forecast, String> {
        if !(1..=::arima::MAX_HORIZON).contains(&horizon) {
            return Err(format!("horizon {horizon} is outside 1..={}", ::arima::MAX_HORIZON));
        }
        let mut variance = 0.0;
        let mut share = 1.0;
        let (mut mean, mut standard_error) = (Vec::with_capacity(horizon), Vec::with_capacity(horizon));
        for h in 1..=horizon {
            variance += self.sigma2 * share * share;
            share = self.alpha + h as f64 * self.beta;
            mean.push(self.level + h as f64 * self.slope);
            standard_error.push(variance.sqrt());
        }
        Ok(Forecast { mean, standard_error, degrees_of_freedom: f64::INFINITY })
    }

    fn summary(&self) -> Summary {
        let all = [("alpha", self.alpha), ("beta", self.beta), ("level", self.level), ("slope", self.slope)];
        let told = all.into_iter().filter(|(name, value)| !matches!(*name, "beta" | "slope") || *value != 0.0);
        Summary {
            coefficients: told.map(|(name, value)| (name.to_owned(), value)).collect(),
            sigma2: Some(self.sigma2),
            observations: self.observations,
            aicc: self.aicc,
        }
    }
}

impl fmt::Display for Ets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.trend { "ETS(A,A,N)" } else { "ETS(A,N,N)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(n: usize) -> Vec<f64> {
        let mut seed = 7_u64;
        let mut level = 4.0;
        (0..n)
            .map(|t| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                level += 0.01 * noise + 0.002 * (t as f64 / 50.0).sin();
                level + 0.01 * noise
            })
            .collect()
    }

    /// What is stored forecasts as augurs does: means and intervals, far beyond the three steps it was read from.
    #[test]
    fn restored_forecasts_are_augurs_own() {
        let y = series(400);
        for trend in [false, true] {
            let fitted = Ets { trend }.fit(&y).expect("fits");
            let stored = serde_json::to_string(&fitted).expect("writes");
            let restored: FittedEts = serde_json::from_str(&stored).expect("reads");
            assert_eq!(restored, fitted);
            let ours = State::forecast(&restored, 60).expect("forecasts");
            let (centred, last) = centred(&y);
            let theirs = Ets { trend }.estimated(&centred).expect("fits").predict(60, 0.8).expect("predicts");
            let intervals = theirs.intervals.expect("intervals");
            let interval = ours.interval(0.8).expect("a level");
            for h in 0..60 {
                assert!((ours.mean[h] - theirs.point[h] - last).abs() < 1e-12, "trend {trend} {h}");
                assert!((interval.lower[h] - intervals.lower[h] - last).abs() < 1e-9, "trend {trend} {h}");
                assert!((interval.upper[h] - intervals.upper[h] - last).abs() < 1e-9, "trend {trend} {h}");
            }
        }
    }

    /// augurs' own smoothing over the series, told by its in-sample predictions, is the recursion that takes in new values.
    #[test]
    fn advancing_is_augurs_recursion() {
        let y = series(300);
        for trend in [false, true] {
            let whole = Ets { trend }.estimated(&y).expect("fits");
            let fitted = FittedEts::read_from(&whole, trend, y.len()).expect("reads");
            let predicted = whole.predict_in_sample(None).expect("predicts").point;
            // The state before the last value follows from the one after it: the update's steps backwards.
            let error = y[299] - predicted[299];
            let slope = fitted.slope - fitted.beta * error;
            let mut before =
                FittedEts { level: fitted.level - slope - fitted.alpha * error, slope, ..fitted.clone() };
            assert!((before.level + before.slope - predicted[299]).abs() < 1e-9, "trend {trend}");
            State::advance(&mut before, &y[299..]).expect("advances");
            assert!((before.level - fitted.level).abs() < 1e-9 && (before.slope - fitted.slope).abs() < 1e-9);
        }
    }

    #[test]
    fn a_constant_is_refused() {
        assert!(Ets { trend: false }.fit(&[4.0; 100]).is_err());
    }
}
