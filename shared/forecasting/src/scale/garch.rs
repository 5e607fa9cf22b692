use arima::optimise::minimise;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

use super::{Estimator, Shock};

/// GJR-GARCH(1,1) with Student shocks of variance 1 (Glosten, Jagannathan & Runkle 1993, J. Finance 48, 1779-1801; Bollerslev
/// 1987, Review of Economics and Statistics 69, 542-547), by maximum likelihood:
///
/// h_t = omega + (alpha + gamma \[e_{t-1} < 0\]) e_{t-1}^2 + beta h_{t-1}.
///
/// GARCH(1,1) is the case gamma = 0 (Bollerslev 1986, J. Econometrics 31, 307-327).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Garch {
    /// The variance that is always there.
    pub omega: f64,
    /// Weight of the last squared shock.
    pub alpha: f64,
    /// Its additional weight where the shock was negative.
    pub gamma: f64,
    /// Weight of the last variance.
    pub beta: f64,
    /// Degrees of freedom of the shocks, above 2.
    pub nu: f64,
}

/// The likelihood of too few shocks says nothing.
const MIN_TO_FIT: usize = 100;
const TOLERANCE: f64 = 1e-11;
/// Below this the shocks' variance is hardly finite, above it they are normal.
const DEGREES: std::ops::RangeInclusive<f64> = 2.05..=200.0;

impl Garch {
    /// By maximum likelihood, `asymmetric` for GJR; from former estimates where there are any. `None` of fewer than 100 shocks,
    /// or where they do not vary.
    ///
    /// The variance before the first shock is the mean of their squares, as in R's rugarch.
    pub fn fit(shocks: &[f64], asymmetric: bool, former: Option<&Garch>) -> Option<Garch> {
        let mean_square = mean_square(shocks);
        if shocks.len() < MIN_TO_FIT || !(mean_square > 0.0 && mean_square.is_finite()) {
            return None;
        }
        // In units of their own deviation, the parameters are of order 1.
        let unit = mean_square.sqrt();
        let scaled: Vec<f64> = shocks.iter().map(|shock| shock / unit).collect();
        let start = former.map_or_else(|| Garch::start(asymmetric), |f| Garch { omega: f.omega / mean_square, ..*f });
        let n = shocks.len() as f64;
        let objective = |point: &[f64], slope: &mut [f64]| {
            let (garch, jacobian) = Garch::at(point, asymmetric);
            let (value, gradient) = garch.likelihood_and_gradient(&scaled, 1.0);
            for (slope, row) in slope.iter_mut().zip(&jacobian) {
                *slope = -gradient.iter().zip(row).map(|(g, j)| g * j).sum::<f64>() / n;
            }
            -value / n
        };
        let metric = |point: &[f64]| -> Vec<Vec<f64>> {
            (0..point.len()).map(|i| (0..point.len()).map(|j| if i == j { 4.0 } else { 0.0 }).collect()).collect()
        };
        let minimum = minimise(objective, metric, start.point(asymmetric), TOLERANCE);
        let (found, _) = Garch::at(&minimum.point, asymmetric);
        let garch = Garch { omega: found.omega * mean_square, ..found };
        (minimum.value.is_finite() && garch.omega > 0.0).then_some(garch)
    }

    /// Log-likelihood of shocks, with the first one's variance.
    pub fn log_likelihood(&self, shocks: &[f64], first_variance: f64) -> f64 {
        self.likelihood_and_gradient(shocks, first_variance).0
    }

    /// Where it stands on average: alpha + gamma / 2 + beta.
    pub fn persistence(&self) -> f64 {
        self.alpha + self.gamma / 2.0 + self.beta
    }

    /// The next variance.
    pub fn next_variance(&self, variance: f64, shock: f64) -> f64 {
        self.omega + self.weight(shock) * shock * shock + self.beta * variance
    }

    fn weight(&self, shock: f64) -> f64 {
        if shock < 0.0 { self.alpha + self.gamma } else { self.alpha }
    }

    fn start(asymmetric: bool) -> Garch {
        let (alpha, gamma) = if asymmetric { (0.03, 0.08) } else { (0.07, 0.0) };
        Garch { omega: 0.03, alpha, gamma, beta: 0.9, nu: 6.0 }
    }

    /// As unconstrained numbers: ln omega; the persistence by its logit; the shares that positive shocks, negative
    /// shocks and the last variance have in it, by their logarithms less that of the last; ln(nu - 2).
    fn point(&self, asymmetric: bool) -> Vec<f64> {
        let persistence = self.persistence().clamp(0.01, 0.999_9);
        let logit = (persistence / (1.0 - persistence)).ln();
        let share = |weight: f64| (weight.max(1e-4) / self.beta.max(1e-4)).ln();
        let (positive, negative) = (self.alpha / 2.0, f64::midpoint(self.alpha, self.gamma));
        let nu = (self.nu.clamp(*DEGREES.start() + 0.01, *DEGREES.end()) - 2.0).ln();
        let omega = self.omega.max(1e-12).ln();
        if asymmetric {
            vec![omega, logit, share(positive), share(negative), nu]
        } else {
            vec![omega, logit, share(self.alpha), nu]
        }
    }

    /// The parameters at a point, and the derivatives of omega, alpha, gamma, beta and nu by each of its numbers.
    fn at(point: &[f64], asymmetric: bool) -> (Garch, Vec<[f64; 5]>) {
        let omega = point[0].exp();
        let persistence = 1.0 / (1.0 + (-point[1]).exp());
        let by_logit = persistence * (1.0 - persistence);
        let exponential = point[point.len() - 1].exp();
        let nu = (2.0 + exponential).clamp(*DEGREES.start(), *DEGREES.end());
        let by_degrees = if DEGREES.contains(&(2.0 + exponential)) { exponential } else { 0.0 };
        let odds: Vec<f64> = point[2..point.len() - 1].iter().map(|x| x.exp()).collect();
        let total = 1.0 + odds.iter().sum::<f64>();
        let shares: Vec<f64> = odds.iter().map(|o| o / total).collect();
        let last = 1.0 / total;
        // alpha, gamma and beta are linear in the shares.
        let linear = |shares: &[f64], last: f64| -> [f64; 3] {
            if asymmetric { [2.0 * shares[0], 2.0 * (shares[1] - shares[0]), last] } else { [shares[0], 0.0, last] }
        };
        let [alpha, gamma, beta] = linear(&shares, last);
        let mut jacobian =
            vec![[omega, 0.0, 0.0, 0.0, 0.0], [0.0, by_logit * alpha, by_logit * gamma, by_logit * beta, 0.0]];
        for i in 0..shares.len() {
            let changes: Vec<f64> = shares
                .iter()
                .enumerate()
                .map(|(j, share)| shares[i] * (if i == j { 1.0 } else { 0.0 } - share))
                .collect();
            let [a, g, b] = linear(&changes, -last * shares[i]);
            jacobian.push([0.0, persistence * a, persistence * g, persistence * b, 0.0]);
        }
        jacobian.push([0.0, 0.0, 0.0, 0.0, by_degrees]);
        let (alpha, gamma, beta) = (persistence * alpha, persistence * gamma, persistence * beta);
        (Garch { omega, alpha, gamma, beta, nu }, jacobian)
    }

    /// The log-likelihood, and its derivatives by omega, alpha, gamma, beta and nu.
    fn likelihood_and_gradient(&self, shocks: &[f64], first_variance: f64) -> (f64, [f64; 5]) {
        let nu = self.nu;
        let (half, tail) = (f64::midpoint(nu, 1.0), nu - 2.0);
        let constant = ln_gamma(half) - ln_gamma(nu / 2.0) - 0.5 * (std::f64::consts::PI * tail).ln();
        let by_nu_constant = 0.5 * (digamma(half) - digamma(nu / 2.0) - 1.0 / tail);
        let (mut variance, mut by) = (first_variance, [0.0; 4]);
        let (mut value, mut gradient) = (0.0, [0.0; 5]);
        for &shock in shocks {
            let square = shock * shock;
            let ratio = square / (tail * variance);
            let log = (1.0 + ratio).ln();
            value += constant - 0.5 * variance.ln() - half * log;
            let pull = ratio / (1.0 + ratio);
            let by_variance = (-0.5 + half * pull) / variance;
            for (slope, by) in gradient.iter_mut().zip(by) {
                *slope += by_variance * by;
            }
            gradient[4] += by_nu_constant - 0.5 * log + half * pull / tail;
            let negative = if shock < 0.0 { square } else { 0.0 };
            let direct = [1.0, square, negative, variance];
            by.iter_mut().zip(direct).for_each(|(by, direct)| *by = direct + self.beta * *by);
            variance = self.next_variance(variance, shock);
        }
        (value, gradient)
    }
}

fn mean_square(shocks: &[f64]) -> f64 {
    shocks.iter().map(|shock| shock * shock).sum::<f64>() / shocks.len() as f64
}

/// Follows a GJR-GARCH(1,1) through the sessions.
#[derive(Debug, Clone)]
pub(super) struct GarchScale {
    parameters: Option<Garch>,
    /// The next session's variance, where parameters are known.
    next: Option<f64>,
    /// Squares of the first changes: the recursion begins with their mean once there are enough of them.
    first: Vec<f64>,
}

/// The recursion forgets where it began within a quarter.
const RUN_IN: usize = 60;

impl GarchScale {
    pub(super) fn new(parameters: Option<Garch>) -> GarchScale {
        GarchScale { parameters, next: None, first: Vec::new() }
    }

    pub(super) fn parameters(&self) -> Option<Garch> {
        self.parameters
    }

    fn restart(&mut self) {
        let Some(parameters) = self.parameters.filter(|_| self.first.len() >= RUN_IN) else { return };
        let mean = mean_square(&self.first);
        self.next = Some(self.first.iter().fold(mean, |variance, change| parameters.next_variance(variance, *change)));
    }
}

impl Estimator for GarchScale {
    fn observe(&mut self, shock: Shock) {
        match (self.parameters, self.next) {
            (Some(parameters), Some(variance)) => self.next = Some(parameters.next_variance(variance, shock.change)),
            _ => {
                self.first.push(shock.change);
                self.restart();
            }
        }
    }

    fn estimate(&mut self, shocks: &[Shock]) {
        let changes: Vec<f64> = shocks.iter().map(|shock| shock.change).collect();
        if let Some(parameters) = Garch::fit(&changes, true, self.parameters.as_ref()) {
            self.parameters = Some(parameters);
            self.first = changes;
            self.restart();
            self.first.truncate(0);
        }
    }

    /// The variance returns to its mean by a factor of the persistence each session (Engle & Bollerslev 1986, Econometric
    /// Reviews 5, 1-50, eq. (22)).
    fn variances(&self, horizon: usize) -> Option<Vec<f64>> {
        let parameters = self.parameters?;
        let mut variance = self.next?;
        let persistence = parameters.persistence();
        let path = (0..horizon).map(|_| {
            let present = variance;
            variance = parameters.omega + persistence * variance;
            present
        });
        Some(path.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shocks of a GJR-GARCH(1,1), the same on every machine and in Python.
    fn shocks() -> Vec<f64> {
        let mut seed = 1_u64;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut variance, mut shock) = (1.0_f64, 0.0_f64);
        (0..1_500)
            .map(|_| {
                let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
                let scaled = normal * if uniform() < 0.05 { 2.0 } else { 0.9 };
                let weight = 0.04 + if shock < 0.0 { 0.10 } else { 0.0 };
                variance = 0.05 + weight * shock * shock + 0.86 * variance;
                shock = variance.sqrt() * scaled;
                shock
            })
            .collect()
    }

    /// Beside Python's arch 8.0.0, `arch_model(x, mean="Zero", vol="GARCH", p=1, o=o, q=1, dist="t", rescale=False).fix(...)`,
    /// whose first variance is omega + (alpha + gamma / 2 + beta) times its backcast.
    #[test]
    fn likelihood_is_that_of_arch() {
        let (x, first) = (shocks(), 0.484_280_506_265_070_63);
        let gjr = Garch { omega: 0.05, alpha: 0.05, gamma: 0.1, beta: 0.85, nu: 7.0 };
        let garch = Garch { alpha: 0.1, gamma: 0.0, ..gjr };
        for (model, expected) in [(gjr, -1_851.902_612_028_981_4), (garch, -1_860.212_296_698_230_6)] {
            let ours = model.log_likelihood(&x, first);
            assert!((ours / expected - 1.0).abs() < 1e-12, "{ours} {expected}");
        }
    }

    /// Beside the highest likelihood that scipy 1.17.1's Nelder-Mead search finds from two starts, six times over, with the mean
    /// square as the first variance: -1847.06270037 and -1856.57914562. arch's own fits, with another first variance, end at
    /// -1847.0676 and -1856.5794.
    #[test]
    fn the_estimates_are_the_most_likely() {
        let x = shocks();
        let mean_square = mean_square(&x);
        for (asymmetric, expected) in [(true, -1_847.062_700_373_170_2), (false, -1_856.579_145_620_634_6)] {
            let found = Garch::fit(&x, asymmetric, None).expect("fits");
            let ours = found.log_likelihood(&x, mean_square);
            assert!(ours > expected - 1e-6, "{ours} {expected}: {found:?}");
            assert_eq!(found.gamma == 0.0, !asymmetric);
            // From its own estimates it stays there.
            let again = Garch::fit(&x, asymmetric, Some(&found)).expect("fits").log_likelihood(&x, mean_square);
            assert!((again - ours).abs() < 1e-5, "{again} {ours}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_likelihood() {
        let x = shocks();
        let at = Garch { omega: 0.06, alpha: 0.03, gamma: 0.09, beta: 0.84, nu: 8.0 };
        let (_, gradient) = at.likelihood_and_gradient(&x, 1.0);
        let moved = |i: usize, by: f64| {
            let mut p = [at.omega, at.alpha, at.gamma, at.beta, at.nu];
            p[i] += by;
            let [omega, alpha, gamma, beta, nu] = p;
            Garch { omega, alpha, gamma, beta, nu }.log_likelihood(&x, 1.0)
        };
        for (i, slope) in gradient.into_iter().enumerate() {
            let step = 1e-5;
            let numerical = (moved(i, step) - moved(i, -step)) / (2.0 * step);
            assert!((slope - numerical).abs() < 1e-3 * slope.abs().max(1.0), "{i}: {slope} {numerical}");
        }
    }

    #[test]
    fn what_does_not_vary_has_no_model() {
        assert_eq!(Garch::fit(&[0.0; 500], true, None), None);
        assert_eq!(Garch::fit(&[0.01; 50], true, None), None);
    }

    /// The variance returns to its mean.
    #[test]
    fn paths_return_to_the_mean() {
        let mut scale = GarchScale::new(Some(Garch { omega: 0.1, alpha: 0.05, gamma: 0.1, beta: 0.8, nu: 6.0 }));
        assert_eq!(scale.variances(1), None);
        for t in 0..100 {
            scale.observe(Shock { change: if t % 2 == 0 { 3.0 } else { -3.0 }, range: 9.0 });
        }
        let path = scale.variances(400).expect("a path");
        assert!(path[1] < path[0] && path.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!((path[399] - 0.1 / (1.0 - 0.9)).abs() < 1e-6, "{}", path[399]);
    }
}
