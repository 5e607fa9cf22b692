//! Unconstrained parameters for the optimiser.
//!
//! Each polynomial is described by its partial autocorrelations, which range freely over (-1, 1) exactly where it is
//! stationary or invertible (Barndorff-Nielsen & Schou 1973; Monahan 1984), and each of those by u / sqrt(1 + u^2).

use crate::{Arima, kalman::dual::Number, model::polynomial};

/// Keeps partial autocorrelations a little inside (-1, 1): beyond this, autocovariances lose all their digits.
const MAX_U: f64 = 500.0;

/// AR, MA, seasonal AR and seasonal MA coefficients in their own polynomials, signs as in [`Arima`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Arma<T = f64> {
    pub(crate) ar: Vec<T>,
    pub(crate) ma: Vec<T>,
    pub(crate) seasonal_ar: Vec<T>,
    pub(crate) seasonal_ma: Vec<T>,
}

impl<T: Number> Arma<T> {
    /// From the optimiser's point u.
    pub(crate) fn from_unconstrained(model: &Arima, u: &[T]) -> Arma<T> {
        let (ar, rest) = u.split_at(model.order.p);
        let (ma, rest) = rest.split_at(model.order.q);
        let (seasonal_ar, seasonal_ma) = rest.split_at(model.seasonal.p);
        Arma {
            ar: stationary(ar),
            ma: negated(stationary(ma)),
            seasonal_ar: stationary(seasonal_ar),
            seasonal_ma: negated(stationary(seasonal_ma)),
        }
    }

    /// Lag coefficients of the whole autoregressive polynomial.
    pub(crate) fn phi(&self, period: usize) -> Vec<T> {
        polynomial::expand_autoregressive(&self.ar, &self.seasonal_ar, period)
    }

    /// Lag coefficients of the whole moving-average polynomial.
    pub(crate) fn theta(&self, period: usize) -> Vec<T> {
        polynomial::expand_moving_average(&self.ma, &self.seasonal_ma, period)
    }
}

impl Arma {
    /// Whether both moving-average polynomials have their roots outside the unit circle.
    pub(crate) fn is_invertible(&self) -> bool {
        [&self.ma, &self.seasonal_ma]
            .into_iter()
            .all(|polynomial| polynomial::roots_outside(&negated(polynomial.clone()), 1.0))
    }

    /// To the optimiser's point; a polynomial outside its region is first shrunk into it.
    pub(crate) fn to_unconstrained(&self) -> Vec<f64> {
        let mut u = unconstrained(self.ar.clone());
        u.extend(unconstrained(negated(self.ma.clone())));
        u.extend(unconstrained(self.seasonal_ar.clone()));
        u.extend(unconstrained(negated(self.seasonal_ma.clone())));
        u
    }
}

fn stationary<T: Number>(u: &[T]) -> Vec<T> {
    let partial: Vec<T> = u
        .iter()
        .map(|&u| if u.value().abs() > MAX_U { T::from(u.value().clamp(-MAX_U, MAX_U)) } else { u })
        .map(|u| u / (T::from(1.0) + u * u).sqrt())
        .collect();
    polynomial::step_up(&partial)
}

fn unconstrained(mut coefficients: Vec<f64>) -> Vec<f64> {
    // Shrinking c_j by 0.95^j moves every root outwards by 1 / 0.95; 200 times is a factor of 28,000.
    for _ in 0..200 {
        if let Some(partial) = polynomial::step_down(&coefficients) {
            return partial.into_iter().map(|r| (r / (1.0 - r * r).sqrt()).clamp(-MAX_U, MAX_U)).collect();
        }
        let mut power = 1.0;
        for c in &mut coefficients {
            power *= 0.95;
            *c *= power;
        }
    }
    vec![0.0; coefficients.len()]
}

fn negated<T: Number>(mut coefficients: Vec<T>) -> Vec<T> {
    coefficients.iter_mut().for_each(|c| *c = -*c);
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Order, Seasonal};

    #[test]
    fn round_trip() {
        let model = Arima::new(Order { p: 2, d: 0, q: 1 }).with_seasonal(Seasonal { p: 1, d: 0, q: 1, period: 4 });
        let arma = Arma { ar: vec![1.2, -0.5], ma: vec![0.7], seasonal_ar: vec![0.4], seasonal_ma: vec![-0.6] };
        let back = Arma::from_unconstrained(&model, &arma.to_unconstrained());
        for (a, b) in [(arma.ar[0], back.ar[0]), (arma.ar[1], back.ar[1]), (arma.ma[0], back.ma[0])] {
            assert!((a - b).abs() < 1e-12, "{arma:?} != {back:?}");
        }
    }
}
