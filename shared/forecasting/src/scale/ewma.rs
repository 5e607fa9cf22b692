use super::{Estimator, Shock};

/// Exponentially weighted variances. The recursion begins with the mean of the first sessions, as many as the decay remembers.
#[derive(Debug, Clone)]
pub(super) struct Ewma {
    decay: f64,
    of: fn(Shock) -> f64,
    first: Vec<f64>,
    variance: Option<f64>,
}

impl Ewma {
    /// Of squared changes.
    pub(super) fn of_changes(decay: f64) -> Ewma {
        Ewma { decay, of: |shock| shock.change * shock.change, first: Vec::new(), variance: None }
    }

    /// Of what open, high, low and close tell.
    pub(super) fn of_ranges(decay: f64) -> Ewma {
        Ewma { of: |shock| shock.range, ..Ewma::of_changes(decay) }
    }
}

impl Estimator for Ewma {
    fn observe(&mut self, shock: Shock) {
        let value = (self.of)(shock);
        if let Some(variance) = &mut self.variance {
            *variance = self.decay * *variance + (1.0 - self.decay) * value;
            return;
        }
        self.first.push(value);
        let memory = 1.0 / (1.0 - self.decay);
        if self.first.len() as f64 >= memory {
            self.variance = Some(self.first.iter().sum::<f64>() / self.first.len() as f64);
            self.first.clear();
        }
    }

    fn variances(&self, horizon: usize) -> Option<Vec<f64>> {
        self.variance.map(|variance| vec![variance; horizon])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_volatility_and_knows_nothing_later() {
        let mut ewma = Ewma::of_changes(0.94);
        let mut deviation = |changes: usize, size: f64| {
            (0..changes).for_each(|_| ewma.observe(Shock { change: size, range: 0.0 }));
            ewma.variances(1).map(|v| v[0].sqrt())
        };
        assert_eq!(deviation(16, 0.01), None);
        assert!((deviation(1, 0.01).expect("enough") - 0.01).abs() < 1e-12);
        assert!((deviation(300, 0.01).expect("enough") - 0.01).abs() < 1e-12);
        assert!((deviation(200, 0.03).expect("enough") - 0.03).abs() < 1e-6);
    }
}
