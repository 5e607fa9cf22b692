//! Minimisation by BFGS with a backtracking line search (Nocedal & Wright 2006, algorithms 3.1 and 6.1). Deterministic: no
//! randomness, no clock.

use crate::kalman::matrix::identity;

/// Where the search ended.
#[derive(Debug, Clone)]
pub struct Minimum {
    /// The lowest point found.
    pub point: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// The gradient vanished, or no step along it lowers the function any more.
    pub converged: bool,
}

/// Parameters are of order 1.
const MAX_STEP: f64 = 2.0;
const MAX_ITERATIONS: usize = 200;
/// No derivative may be larger than this where the search ends.
const SLOPE_TOLERANCE: f64 = 1e-3;

/// Minimises f from a start. f writes its gradient into its second argument; it may answer infinity where it is not
/// defined; a start there is answered as it is. `metric` is an inverse Hessian to begin with at a point, as good as is
/// known. The search ends where a full step promises to lower f by less than the tolerance.
pub fn minimise(
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
    metric: impl Fn(&[f64]) -> Vec<Vec<f64>>,
    start: Vec<f64>,
    tolerance: f64,
) -> Minimum {
    let n = start.len();
    let mut point = start;
    let mut slope = vec![0.0; n];
    let mut value = f(&point, &mut slope);
    let mut inverse = metric(&point);
    let mut fresh = true;
    for _ in 0..MAX_ITERATIONS {
        let mut direction: Vec<f64> = inverse.iter().map(|row| -dot(row, &slope)).collect();
        let mut descent = dot(&direction, &slope);
        if descent > 0.0 || descent.is_nan() {
            inverse = identity(n);
            fresh = true;
            direction = slope.iter().map(|g| -g).collect();
            descent = -dot(&slope, &slope);
        }
        if -0.5 * descent <= tolerance && slope.iter().all(|g| g.abs() < SLOPE_TOLERANCE) {
            return Minimum { point, value, converged: true };
        }
        let Some((next, next_value, next_slope)) = line_search(&mut f, &point, value, &direction, descent) else {
            if fresh {
                return Minimum { point, value, converged: slope.iter().all(|g| g.abs() < SLOPE_TOLERANCE) };
            }
            inverse = metric(&point);
            fresh = true;
            continue;
        };
        let step: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
        update_inverse(&mut inverse, &step, &change);
        fresh = false;
        (point, value, slope) = (next, next_value, next_slope);
    }
    Minimum { point, value, converged: false }
}

/// Backtracks until the Armijo condition holds.
fn line_search(
    f: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    point: &[f64],
    value: f64,
    direction: &[f64],
    descent: f64,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let length = dot(direction, direction).sqrt();
    let limit = MAX_STEP.max(0.5 * point.iter().fold(0.0_f64, |m, x| m.max(x.abs())));
    let mut step = if length > limit { limit / length } else { 1.0 };
    let mut slope = vec![0.0; point.len()];
    for _ in 0..40 {
        let next: Vec<f64> = point.iter().zip(direction).map(|(x, d)| x + step * d).collect();
        let next_value = f(&next, &mut slope);
        if next_value <= value + 1e-4 * step * descent {
            return Some((next, next_value, slope));
        }
        // Minimiser of the parabola through both values and the slope, kept within the interval.
        let curvature = next_value - value - step * descent;
        let parabola = if curvature.is_finite() { -0.5 * descent * step * step / curvature } else { 0.0 };
        step = parabola.clamp(0.1 * step, 0.5 * step);
    }
    None
}

/// H <- (I - s y'/sy) H (I - y s'/sy) + s s'/sy; skipped where the curvature sy is not safely positive.
fn update_inverse(inverse: &mut [Vec<f64>], step: &[f64], change: &[f64]) {
    let curvature = dot(step, change);
    if curvature <= 1e-12 * dot(step, step).sqrt() * dot(change, change).sqrt() {
        return;
    }
    let product: Vec<f64> = inverse.iter().map(|row| dot(row, change)).collect();
    let factor = (1.0 + dot(change, &product) / curvature) / curvature;
    for (i, row) in inverse.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry += factor * step[i] * step[j] - (step[i] * product[j] + product[i] * step[j]) / curvature;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_rosenbrocks_valley() {
        let f = |x: &[f64], slope: &mut [f64]| {
            let valley = x[1] - x[0] * x[0];
            slope[0] = -2.0 * (1.0 - x[0]) - 400.0 * x[0] * valley;
            slope[1] = 200.0 * valley;
            (1.0 - x[0]).powi(2) + 100.0 * valley * valley
        };
        let minimum = minimise(f, |x| identity(x.len()), vec![-1.2, 1.0], 1e-14);
        assert!(minimum.converged);
        assert!((minimum.point[0] - 1.0).abs() < 1e-5 && (minimum.point[1] - 1.0).abs() < 1e-5, "{minimum:?}");
    }

    #[test]
    fn nothing_to_minimise() {
        assert!(minimise(|_, _| 3.0, |_| Vec::new(), Vec::new(), 1e-6).converged);
    }
}
