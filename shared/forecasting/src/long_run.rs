//! Means of overlapping forecasts' losses, and how sure they are.

use serde::{Deserialize, Serialize};

/// n times the variance of the mean of values that are correlated up to lag `horizon - 1`, as those of forecasts `horizon`
/// steps ahead are: the sum of the autocovariances up to there (Diebold & Mariano 1995, section 1.1). That sum is noisy, and
/// can even be negative; but overlap makes neighbours alike, so what falls below the variance without overlap is noise that
/// would make a small difference look sure, and is not believed.
pub(crate) fn long_run_variance(values: &[f64], horizon: usize) -> f64 {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let covariance =
        |lag: usize| (lag..n).map(|t| (values[t] - mean) * (values[t - lag] - mean)).sum::<f64>() / n as f64;
    let without_overlap = covariance(0);
    without_overlap + (2.0 * (1..horizon.min(n)).map(covariance).sum::<f64>()).max(0.0)
}

/// A mean and its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error, with the overlap of neighbouring forecasts taken into account.
    pub standard_error: f64,
}

impl Mean {
    pub(crate) fn of(values: &[f64], horizon: usize) -> Mean {
        let n = values.len() as f64;
        Mean { value: values.iter().sum::<f64>() / n, standard_error: (long_run_variance(values, horizon) / n).sqrt() }
    }

    /// Of a differentiable function of the mean, by the delta method: its value, and its slope there.
    pub(crate) fn through(self, value: f64, slope: f64) -> Mean {
        Mean { value, standard_error: self.standard_error * slope.abs() }
    }
}

/// Skill against the random walk: 1 - a mean absolute error over the walk's on the same sessions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SkillInterval {
    /// The skill; positive where it is better than the walk.
    pub value: f64,
    /// Lower end of its 95 % confidence interval.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// The normal distribution's 97.5 % point.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

impl SkillInterval {
    /// From both errors at the same origins, by the delta method for a ratio of means. `None` where the walk made no error.
    pub fn of(errors: &[f64], walk: &[f64], horizon: usize) -> Option<SkillInterval> {
        let n = errors.len() as f64;
        let walk_mean = walk.iter().sum::<f64>() / n;
        if errors.is_empty() || walk_mean <= 0.0 {
            return None;
        }
        let ratio = errors.iter().sum::<f64>() / n / walk_mean;
        let differences: Vec<f64> = errors.iter().zip(walk).map(|(error, walk)| error - ratio * walk).collect();
        let width = TWO_SIDED_95 * (long_run_variance(&differences, horizon) / n).sqrt() / walk_mean;
        // Without the rounding of exp(ln p): the random walk's skill over itself is 0, not -4e-15; and no more than is known.
        let rounded = |skill: f64| (skill * 1e8).round() / 1e8 + 0.0;
        Some(SkillInterval {
            value: rounded(1.0 - ratio),
            lower: rounded(1.0 - ratio - width),
            upper: rounded(1.0 - ratio + width),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 1, 2, 3, 4 have variance 1.25 and first autocovariance 0.3125.
    #[test]
    fn by_hand() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(long_run_variance(&values, 1), 1.25);
        assert_eq!(long_run_variance(&values, 2), 1.25 + 2.0 * 0.3125);
        let mean = Mean::of(&values, 1);
        assert_eq!((mean.value, mean.standard_error), (2.5, (1.25_f64 / 4.0).sqrt()));
    }

    #[test]
    fn skill_of_the_walk_over_itself_is_nothing() {
        let errors = [0.1, 0.3, 0.2, 0.4];
        let skill = SkillInterval::of(&errors, &errors, 2).expect("the walk errs");
        assert_eq!((skill.value, skill.lower, skill.upper), (0.0, 0.0, 0.0));
        assert_eq!(SkillInterval::of(&errors, &[0.0; 4], 1), None);
    }
}
