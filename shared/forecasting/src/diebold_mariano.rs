//! Are two forecasts' losses different? Diebold & Mariano (1995, J. Business & Economic Statistics 13, 253-263) with the
//! small-sample correction of Harvey, Leybourne & Newbold (1997, Int. J. Forecasting 13, 281-291).

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::long_run::long_run_variance;

/// One contender's losses against another's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How much lower the contender's mean loss is, as a fraction of the other's; negative where it is higher.
    pub improvement: f64,
    /// The corrected statistic, positive where the contender is better; `None` where the losses do not differ at all, or
    /// too few origins overlap too much to tell.
    pub statistic: Option<f64>,
    /// Probability of a statistic at least as large if both were equally good (one-sided, Student's t with n - 1).
    pub p_value: f64,
    /// Origins compared.
    pub n: usize,
}

/// With fewer origins for each lag of the overlap, the long-run variance is mostly noise: nothing is proven then.
pub const MIN_PER_LAG: usize = 4;

impl Comparison {
    /// Compares losses at the same origins. Each is a mean over 1..=horizon, so neighbours overlap and their
    /// differences are correlated up to lag horizon - 1.
    pub(crate) fn new(contender: &[f64], other: &[f64], horizon: usize) -> Comparison {
        let n = contender.len().min(other.len());
        let differences: Vec<f64> = other.iter().zip(contender).map(|(o, c)| o - c).collect();
        let size = n as f64;
        let mean = differences.iter().sum::<f64>() / size;
        let other_mean = other.iter().sum::<f64>() / size;
        let improvement = if other_mean > 0.0 { mean / other_mean } else { 0.0 };

        let variance = long_run_variance(&differences, horizon);
        let h = horizon as f64;
        let correction = ((size + 1.0 - 2.0 * h + h * (h - 1.0) / size) / size).clamp(0.0, 1.0).sqrt();
        let statistic = correction * mean / (variance / size).sqrt();
        let t = StudentsT::new(0.0, 1.0, (size - 1.0).max(1.0)).expect("one degree of freedom or more");
        if statistic.is_finite() && n >= MIN_PER_LAG * horizon {
            Comparison { improvement, statistic: Some(statistic), p_value: t.sf(statistic), n }
        } else {
            Comparison { improvement, statistic: None, p_value: 1.0, n }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: differences 1, 2, 3, 4 have mean 2.5 and variance 1.25, so at h = 1 the statistic is
    /// sqrt(3/4) * 2.5 / sqrt(1.25 / 4) = 3.873, and Student's t with 3 degrees leaves 0.0152 above it.
    #[test]
    fn by_hand() {
        let comparison = Comparison::new(&[1.0, 1.0, 1.0, 1.0], &[2.0, 3.0, 4.0, 5.0], 1);
        let statistic = comparison.statistic.expect("they differ");
        assert!((statistic - 3.872_983_346).abs() < 1e-8, "{statistic}");
        assert!((comparison.p_value - 0.015_233_145).abs() < 1e-6, "{}", comparison.p_value);
        assert!((comparison.improvement - 2.5 / 3.5).abs() < 1e-12);
    }

    #[test]
    fn few_origins_prove_nothing() {
        let (better, worse) = (vec![0.1; 11], (0..11).map(|t| 1.0 + f64::from(t % 3)).collect::<Vec<_>>());
        assert_eq!(Comparison::new(&better, &worse, 3).p_value, 1.0);
        assert!(Comparison::new(&better, &worse, 2).p_value < 0.05);
    }

    #[test]
    fn equal_losses_prove_nothing() {
        let losses = [0.1, 0.4, 0.2, 0.3];
        let comparison = Comparison::new(&losses, &losses, 2);
        assert_eq!((comparison.statistic, comparison.p_value), (None, 1.0));
    }
}
