use super::{Estimator, Shock};

/// Where next to nothing is known: a session's change has this standard deviation.
const PRIOR_DEVIATION: f64 = 0.02;
/// The prior weighs as much as this many sessions.
const PRIOR_SESSIONS: f64 = 20.0;

/// The mean square of all changes, drawn towards a stated default while they are few.
#[derive(Debug, Clone, Default)]
pub(super) struct Constant {
    squares: f64,
    n: usize,
}

impl Estimator for Constant {
    fn observe(&mut self, shock: Shock) {
        self.squares += shock.change * shock.change;
        self.n += 1;
    }

    fn variances(&self, horizon: usize) -> Option<Vec<f64>> {
        let prior = PRIOR_SESSIONS * PRIOR_DEVIATION * PRIOR_DEVIATION;
        Some(vec![(prior + self.squares) / (PRIOR_SESSIONS + self.n as f64); horizon])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty sessions of 4 % weigh as much as the default of 2 %: the mean of both squares.
    #[test]
    fn the_default_fades() {
        let mut constant = Constant::default();
        let variance = |constant: &Constant| constant.variances(1).expect("always")[0];
        assert!((variance(&constant) - 0.0004).abs() < 1e-15);
        for _ in 0..20 {
            constant.observe(Shock { change: 0.04, range: 0.0 });
        }
        assert!((variance(&constant) - 0.001).abs() < 1e-15);
    }
}
