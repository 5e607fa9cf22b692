//! Classical decomposition by moving averages (Kendall & Stuart 1983, The Advanced Theory of Statistics 3, chapter 46), and the test of
//! whether there is a season (Assimakopoulos & Nikolopoulos 2000, section 3).

/// The season's states, that of the first value first, and the series without them. Multiplicative ones average 1, additive ones 0.
pub(super) fn decompose(y: &[f64], period: usize, multiplicative: bool) -> (Vec<f64>, Vec<f64>) {
    let without = |value: f64, state: f64| if multiplicative { value / state } else { value - state };
    let trend = moving_average(y, period);
    let mut season: Vec<f64> = (0..period)
        .map(|phase| {
            let of_phase = (phase..y.len()).step_by(period).filter_map(|t| Some(without(y[t], trend[t]?)));
            let values: Vec<f64> = of_phase.collect();
            let neutral = if multiplicative { 1.0 } else { 0.0 };
            if values.is_empty() { neutral } else { values.iter().sum::<f64>() / values.len() as f64 }
        })
        .collect();
    let mean = season.iter().sum::<f64>() / period as f64;
    season.iter_mut().for_each(|state| *state = without(*state, mean));
    if multiplicative {
        // A state at zero would make everything of nothing.
        season.iter_mut().for_each(|state| *state = state.max(1e-2));
    }
    let plain = y.iter().enumerate().map(|(t, value)| without(*value, season[t % period])).collect();
    (season, plain)
}

/// With the values that are missing on straight lines between their neighbours.
pub(super) fn bridged(y: &[f64]) -> Vec<f64> {
    let mut filled = y.to_vec();
    let mut last: Option<usize> = None;
    for t in 0..y.len() {
        if y[t].is_nan() {
            continue;
        }
        let from = last.map_or(0, |last| last + 1);
        for gap in from..t {
            filled[gap] = match last {
                None => y[t],
                Some(last) => y[last] + (y[t] - y[last]) * (gap - last) as f64 / (t - last) as f64,
            };
        }
        last = Some(t);
    }
    if let Some(last) = last {
        filled[last + 1..].fill(y[last]);
    }
    filled
}

/// Centred; an even period's ends count half. `None` where it does not reach.
fn moving_average(y: &[f64], period: usize) -> Vec<Option<f64>> {
    let half = period / 2;
    let at = |t: usize| {
        if t < half || t + half >= y.len() {
            return None;
        }
        let inner: f64 = y[t - half..=t + half].iter().sum();
        let ends = if period.is_multiple_of(2) { 0.5 * (y[t - half] + y[t + half]) } else { 0.0 };
        Some((inner - ends) / period as f64)
    };
    (0..y.len()).map(at).collect()
}

/// Whether the autocorrelation at the period is beyond chance at 90 %, as the M competitions' benchmarks test.
pub(super) fn is_seasonal(y: &[f64], period: usize) -> bool {
    if period < 2 || y.len() < 3 * period {
        return false;
    }
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let centred: Vec<f64> = y.iter().map(|value| value - mean).collect();
    let variance: f64 = centred.iter().map(|value| value * value).sum();
    if variance <= 0.0 {
        return false;
    }
    let autocorrelation = |lag: usize| centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum::<f64>() / variance;
    let before: f64 = (1..period).map(|lag| autocorrelation(lag).powi(2)).sum();
    autocorrelation(period).abs() > 1.645 * ((1.0 + 2.0 * before) / n).sqrt()
}
