//! What stands in a gap where something must.

use crate::{
    Arima,
    estimation::parameters::Arma,
    kalman::{differenced::Differenced, gaps::MAX_NUMBERS},
};

/// The series with what the model expects in its gaps, given all other values; `None` where there are too many of them.
pub(crate) fn imputed(model: &Arima, y: &[f64], arma: &Arma) -> Option<Vec<f64>> {
    let missing = y.iter().filter(|v| v.is_nan()).count();
    if missing * y.len() > MAX_NUMBERS {
        return None;
    }
    let mut impulses = Differenced::new(*model, y, &[]).ok()?.impulses(arma)?.into_iter();
    let put = filled(y).into_iter().zip(y);
    Some(put.map(|(put, v)| if v.is_nan() { put - impulses.next().unwrap_or(0.0) } else { *v }).collect())
}

/// The series with straight lines across its gaps, and its ends held: good enough for tests and starting values.
pub(crate) fn filled(y: &[f64]) -> Vec<f64> {
    let known: Vec<(usize, f64)> = y.iter().copied().enumerate().filter(|(_, v)| !v.is_nan()).collect();
    let mut filled = y.to_vec();
    if let (Some(first), Some(last)) = (known.first(), known.last()) {
        filled[..first.0].fill(first.1);
        filled[last.0..].fill(last.1);
    }
    for pair in known.windows(2) {
        let ((from, a), (to, b)) = (pair[0], pair[1]);
        for t in from + 1..to {
            let share = (t - from) as f64 / (to - from) as f64;
            filled[t] = a * (1.0 - share) + b * share;
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged_by_lines() {
        let nan = f64::NAN;
        assert_eq!(filled(&[nan, 1.0, nan, nan, 4.0, nan]), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    }
}
