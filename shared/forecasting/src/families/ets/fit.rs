//! Estimation by maximum likelihood over the smoothing parameters. The states start where a line through the first values, and a
//! classical decomposition, have them: searched as well, they fit short series too closely, and forecast worse.

use super::{Component, Ets, FittedEts, Trend};
use crate::families::{deseason, simplex};

/// Smoothing parameters keep this distance from their bounds.
const EDGE: f64 = 1e-4;
const PHI: std::ops::RangeInclusive<f64> = 0.8..=0.98;
/// Values that a start is read from.
const FIRST: usize = 10;

pub(super) fn fit(model: Ets, y: &[f64]) -> Result<FittedEts, String> {
    let parameters = model.parameters();
    let known = y.iter().filter(|value| !value.is_nan()).count();
    if known <= parameters + 1 {
        return Err(format!("{known} values are too few for {model}"));
    }
    if y.iter().all(|value| *value == y[0] || value.is_nan()) {
        return Err("the series does not vary, so there is nothing to smooth".to_owned());
    }
    let start = Start::of(model, &deseason::bridged(y));
    let mut deviance = |point: &[f64]| run(model, y, &start, point).map_or(f64::INFINITY, |run| run.deviance);
    let (point, _) = simplex::minimise(&mut deviance, &first_point(model), 0.1);
    // A second simplex leaves where the first may have stuck.
    let (point, _) = simplex::minimise(&mut deviance, &point, 0.05);
    let done = run(model, y, &start, &point);
    let Run { mut state, squares, deviance } = done.ok_or_else(|| format!("{model} cannot be estimated"))?;
    let (n, k) = (known as f64, parameters as f64);
    state.sigma2 = squares / (n - (k - 1.0)).max(1.0);
    let aicc = deviance + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0);
    state.aicc = Some(aicc).filter(|aicc| aicc.is_finite());
    Ok(state)
}

impl Ets {
    /// All that is estimated, the variance included.
    fn parameters(self) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        // alpha, level and variance; gamma and the season's states, which add up to nothing.
        3 + trend + self.season.map_or(0, |_| self.period)
    }
}

/// Where the states start.
struct Start {
    level: f64,
    slope: f64,
    season: Vec<f64>,
}

impl Start {
    fn of(model: Ets, y: &[f64]) -> Start {
        let (season, plain) = match model.season {
            None => (Vec::new(), y.to_vec()),
            Some(component) => deseason::decompose(y, model.period, component == Component::Multiplicative),
        };
        let first = &plain[..plain.len().min(FIRST.max(2 * model.period))];
        let n = first.len() as f64;
        let (centre, mean) = ((n - 1.0) / 2.0, first.iter().sum::<f64>() / n);
        let steps = || (0..first.len()).map(|t| t as f64 - centre);
        let slope = steps().zip(first).map(|(t, value)| t * (value - mean)).sum::<f64>()
            / steps().map(|t| t * t).sum::<f64>().max(1e-12);
        match model.trend {
            Trend::None => Start { level: mean, slope: 0.0, season },
            _ => Start { level: mean - slope * (centre + 1.0), slope, season },
        }
    }
}

/// Where the search begins: each parameter is of order 1.
fn first_point(model: Ets) -> Vec<f64> {
    let mut point = vec![0.3];
    if model.trend != Trend::None {
        point.push(0.1);
    }
    if model.season.is_some() {
        point.push(0.1);
    }
    if model.trend == Trend::Damped {
        point.push(0.95);
    }
    point
}

struct Run {
    state: FittedEts,
    squares: f64,
    deviance: f64,
}

/// Goes through the series with these parameters; `None` where they, or what they lead to, are out of bounds.
fn run(model: Ets, y: &[f64], start: &Start, point: &[f64]) -> Option<Run> {
    let mut next = point.iter().copied();
    let mut take = || next.next().unwrap_or_default();
    let alpha = take();
    let beta = if model.trend == Trend::None { 0.0 } else { alpha * take() };
    let gamma = if model.season.is_some() { (1.0 - alpha) * take() } else { 0.0 };
    let phi = if model.trend == Trend::Damped { take() } else { 1.0 };
    let inside = (EDGE..=1.0 - EDGE).contains(&alpha)
        && (model.trend == Trend::None || (EDGE * alpha..=alpha * (1.0 - EDGE)).contains(&beta))
        && (model.season.is_none() || (EDGE * (1.0 - alpha)..=(1.0 - alpha) * (1.0 - EDGE)).contains(&gamma))
        && (model.trend != Trend::Damped || PHI.contains(&phi));
    if !inside {
        return None;
    }
    let mut state = FittedEts {
        model,
        alpha,
        beta,
        gamma,
        phi,
        level: start.level,
        slope: start.slope,
        season: start.season.clone(),
        sigma2: 0.0,
        observations: y.iter().filter(|value| !value.is_nan()).count(),
        aicc: None,
    };
    let (mut squares, mut logs) = (0.0, 0.0);
    let mut known = 0;
    for value in y {
        let (error, expected) = state.step(*value);
        if value.is_nan() {
            continue;
        }
        known += 1;
        squares += error * error;
        if model.error == Component::Multiplicative {
            // A forecast at or below zero has no share of it for an error.
            if expected <= 0.0 {
                return None;
            }
            logs += expected.ln();
        }
    }
    let n = f64::from(known);
    let deviance = n * (squares.max(f64::MIN_POSITIVE) / n).ln() + 2.0 * logs + n * (1.0 + std::f64::consts::TAU.ln());
    deviance.is_finite().then_some(Run { state, squares, deviance })
}
