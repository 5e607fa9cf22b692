use super::{Estimator, Shock};

/// A heterogeneous autoregression (Corsi 2009, J. Financial Econometrics 7, 174-196, eq. (10)) of the logarithm of the
/// sessions' variances: tomorrow's on the means over the last session, week, month and quarter, by least squares.
#[derive(Debug, Clone)]
pub(super) struct Har {
    /// Intercept, weights, variance of the error.
    parameters: Option<[f64; 6]>,
    /// Logarithms of the variances, oldest first.
    logs: Vec<f64>,
    /// Their sums up to each session.
    sums: Vec<f64>,
}

/// Sessions of the means.
const MEANS: [usize; 4] = [1, 5, 22, 66];
const MAX_MEAN: usize = MEANS[3];
/// Least squares on fewer sessions than this is not tried.
const MIN_TO_FIT: usize = 60;
/// A session in which nothing moved has no logarithm: no session's deviation counts as less than a hundredth of a percent.
const MIN_VARIANCE: f64 = 1e-8;
/// Keeps least squares solvable where the variance never changes.
const RIDGE: f64 = 1e-6;

impl Har {
    pub(super) fn new(parameters: Option<[f64; 6]>) -> Har {
        Har { parameters, logs: Vec::new(), sums: vec![0.0] }
    }

    pub(super) fn parameters(&self) -> Option<[f64; 6]> {
        self.parameters
    }

    /// 1 and the means up to the session `end`, itself excluded.
    fn regressors(&self, end: usize) -> [f64; 5] {
        let mean = |sessions: usize| (self.sums[end] - self.sums[end - sessions]) / sessions as f64;
        [1.0, mean(MEANS[0]), mean(MEANS[1]), mean(MEANS[2]), mean(MEANS[3])]
    }
}

impl Estimator for Har {
    fn observe(&mut self, shock: Shock) {
        let log = shock.range.max(MIN_VARIANCE).ln();
        self.logs.push(log);
        self.sums.push(self.sums[self.sums.len() - 1] + log);
    }

    fn estimate(&mut self, _: &[Shock]) {
        let n = self.logs.len();
        if n < MAX_MEAN + MIN_TO_FIT {
            return;
        }
        let mut normal = [[0.0; 6]; 5];
        for end in MAX_MEAN..n {
            let (x, y) = (self.regressors(end), self.logs[end]);
            for (row, a) in normal.iter_mut().zip(x) {
                for (cell, b) in row.iter_mut().zip(x.into_iter().chain([y])) {
                    *cell += a * b;
                }
            }
        }
        let Some(weights) = solve(normal) else { return };
        let error = |end: usize| self.logs[end] - dot(&weights, &self.regressors(end));
        let variance = (MAX_MEAN..n).map(|end| error(end).powi(2)).sum::<f64>() / (n - MAX_MEAN) as f64;
        let [a, b, c, d, e] = weights;
        let parameters = [a, b, c, d, e, variance];
        if parameters.iter().all(|p| p.is_finite()) {
            self.parameters = Some(parameters);
        }
    }

    /// The path that the regression predicts, one session after the other; the mean of a log-normal variance.
    fn variances(&self, horizon: usize) -> Option<Vec<f64>> {
        let [a, b, c, d, e, variance] = self.parameters?;
        if self.logs.len() < MAX_MEAN {
            return None;
        }
        let mut ahead = Har { logs: self.logs[self.logs.len() - MAX_MEAN..].to_vec(), ..Har::new(None) };
        for t in 0..MAX_MEAN {
            ahead.sums.push(ahead.sums[t] + ahead.logs[t]);
        }
        let path = (0..horizon).map(|_| {
            let log = dot(&[a, b, c, d, e], &ahead.regressors(ahead.logs.len()));
            ahead.logs.push(log);
            ahead.sums.push(ahead.sums[ahead.sums.len() - 1] + log);
            (log + variance / 2.0).exp()
        });
        Some(path.collect())
    }
}

fn dot(a: &[f64; 5], b: &[f64; 5]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves the normal equations by Gaussian elimination: they are positive definite, so the diagonal is the pivot.
fn solve(mut normal: [[f64; 6]; 5]) -> Option<[f64; 5]> {
    for i in 0..5 {
        normal[i][i] += RIDGE;
    }
    for i in 0..5 {
        let pivot = normal[i];
        if pivot[i].is_nan() || pivot[i] <= 0.0 {
            return None;
        }
        for row in normal.iter_mut().skip(i + 1) {
            let factor = row[i] / pivot[i];
            row.iter_mut().zip(pivot).for_each(|(cell, p)| *cell -= factor * p);
        }
    }
    let mut solution = [0.0; 5];
    for i in (0..5).rev() {
        let known: f64 = (i + 1..5).map(|j| normal[i][j] * solution[j]).sum();
        solution[i] = (normal[i][5] - known) / normal[i][i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On variances that follow the regression without noise but for a shake that identifies it, its weights come back.
    #[test]
    fn the_weights_come_back() {
        let truth = [-0.5, 0.3, 0.25, 0.2, 0.2];
        let mut har = Har::new(None);
        let mut shocks = Vec::new();
        let mut seed = 3_u64;
        for t in 0..4_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            let log = if t < MAX_MEAN { -9.0 + noise } else { dot(&truth, &har.regressors(t)) + noise };
            shocks.push(Shock { change: 0.0, range: log.exp() });
            har.observe(shocks[t]);
        }
        assert_eq!(har.variances(3), None);
        har.estimate(&shocks);
        let [a, b, c, d, e, variance] = har.parameters().expect("estimated");
        assert!((b - 0.3).abs() < 0.05 && (c - 0.25).abs() < 0.08 && (d - 0.2).abs() < 0.1 && (e - 0.2).abs() < 0.1);
        assert!((a + 0.5).abs() < 0.35, "{a}");
        // Of a uniform distribution over one.
        assert!((variance - 1.0 / 12.0).abs() < 0.005, "{variance}");
        assert!(har.variances(5).expect("a path").iter().all(|v| (0.0..1.0).contains(v)));
    }
}
