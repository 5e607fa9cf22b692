//! How often to difference: d by the test of Kwiatkowski, Phillips, Schmidt & Shin (1992, J. Econometrics 54, 159-178),
//! D by the strength of the season (Wang, Smith & Hyndman 2006, Data Mining and Knowledge Discovery 13, 335-364).

use stlrs::Stl;

use crate::model::polynomial;

/// Where the season explains this much of what the trend leaves, it is differenced away (Hyndman & Athanasopoulos 2021,
/// Forecasting: Principles and Practice, section 9.1).
const STRONG_SEASON: f64 = 0.64;

/// The seasonal smoother's span, in seasons.
const SEASONAL_SPAN: usize = 11;

/// 1 where the season of this length is strong, otherwise 0: 1 - Var(remainder) / Var(remainder + season) of the STL
/// decomposition, against 0.64. A series of less than two seasons, or one that repeats exactly nothing, has none.
pub fn nsdiffs(y: &[f64], period: usize) -> usize {
    if period < 2 || y.len() <= 2 * period || is_constant(y) || y.iter().any(|v| !v.is_finite()) {
        return 0;
    }
    // STL is linear: at unit scale no square can overflow.
    let largest = y.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let scaled: Vec<f64> = y.iter().map(|v| v / largest).collect();
    let decomposition = Stl::params().seasonal_length(SEASONAL_SPAN).fit(&scaled, period);
    usize::from(decomposition.is_ok_and(|parts| parts.seasonal_strength() > STRONG_SEASON))
}

/// Upper 5 % point of the level-stationarity statistic (their table 1).
const CRITICAL_5_PERCENT: f64 = 0.463;

/// The smallest d for which the KPSS test does not reject level stationarity of the d-th difference at 5 %, up to `max`.
pub fn ndiffs(y: &[f64], max: usize) -> usize {
    let mut x = y.to_vec();
    for d in 0..max {
        if x.len() < 4 || is_constant(&x) || statistic(&x) <= CRITICAL_5_PERCENT {
            return d;
        }
        x = polynomial::difference(&x, &[1.0]);
    }
    max
}

fn is_constant(x: &[f64]) -> bool {
    x.iter().all(|v| *v == x[0])
}

/// Their eq. (13): the sum of squared partial sums over n^2 times the long-run variance, whose Bartlett window spans
/// 3 sqrt(n) / 13 lags (as R's forecast package has it).
fn statistic(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let e: Vec<f64> = x.iter().map(|v| v - mean).collect();
    let mut partial_sum = 0.0;
    let mut squares = 0.0;
    for value in &e {
        partial_sum += value;
        squares += partial_sum * partial_sum;
    }
    let lags = (3.0 * n.sqrt() / 13.0).trunc() as usize;
    let covariance = |lag: usize| e[lag..].iter().zip(&e).map(|(a, b)| a * b).sum::<f64>() / n;
    let long_run: f64 =
        covariance(0) + 2.0 * (1..=lags).map(|s| (1.0 - s as f64 / (lags as f64 + 1.0)) * covariance(s)).sum::<f64>();
    squares / (n * n * long_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_lines_and_noise() {
        let mut seed = 7_u32;
        let noise: Vec<f64> = (0..200)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(seed >> 16) / 65_536.0
            })
            .collect();
        let walk: Vec<f64> = noise
            .iter()
            .scan(0.0, |level, e| {
                *level += e - 0.5;
                Some(*level)
            })
            .collect();
        let line: Vec<f64> = (0..200).map(f64::from).collect();
        assert_eq!(ndiffs(&noise, 2), 0);
        assert_eq!(ndiffs(&walk, 2), 1);
        assert_eq!(ndiffs(&line, 2), 1);
        assert_eq!(ndiffs(&[3.0; 50], 2), 0);
        let wave: Vec<f64> = noise.iter().enumerate().map(|(t, e)| [0.0, 3.0, 1.0, 5.0][t % 4] + e).collect();
        assert_eq!((nsdiffs(&wave, 4), nsdiffs(&noise, 4), nsdiffs(&[1.0; 40], 4)), (1, 0, 0));
    }
}
