//! Minimisation by BFGS with a backtracking line search (Nocedal & Wright 2006, algorithms 3.1 and 6.1). Deterministic: no
//! randomness, no clock.

/// Where the search ended.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    pub(crate) point: Vec<f64>,
    pub(crate) value: f64,
    /// The gradient vanished, or no step along it lowers the function any more.
    pub(crate) converged: bool,
}

const MAX_ITERATIONS: usize = 200;
const VALUE_TOLERANCE: f64 = 1e-13;

/// Minimises f from a start. f writes its gradient into its second argument; it may answer infinity where it is not
/// defined; a start there is answered as it is. The search ends where no derivative exceeds the tolerance.
pub(crate) fn minimise(mut f: impl FnMut(&[f64], &mut [f64]) -> f64, start: Vec<f64>, tolerance: f64) -> Minimum {
    let n = start.len();
    let mut point = start;
    let mut slope = vec![0.0; n];
    let mut value = f(&point, &mut slope);
    let mut inverse = identity(n);
    let mut fresh = true;
    for _ in 0..MAX_ITERATIONS {
        if slope.iter().all(|g| g.abs() < tolerance) {
            return Minimum { point, value, converged: true };
        }
        let mut direction: Vec<f64> =
            inverse.iter().map(|row| -row.iter().zip(&slope).map(|(h, g)| h * g).sum::<f64>()).collect();
        let mut descent = dot(&direction, &slope);
        if descent >= 0.0 || descent.is_nan() {
            inverse = identity(n);
            fresh = true;
            direction = slope.iter().map(|g| -g).collect();
            descent = -dot(&slope, &slope);
        }
        let Some((next, next_value, next_slope)) = line_search(&mut f, &point, value, &direction, descent, fresh)
        else {
            if fresh {
                return Minimum { point, value, converged: slope.iter().all(|g| g.abs() < 1e-4) };
            }
            inverse = identity(n);
            fresh = true;
            continue;
        };
        let step: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
        let gained = value - next_value;
        update_inverse(&mut inverse, &step, &change, fresh);
        fresh = false;
        (point, value, slope) = (next, next_value, next_slope);
        if gained <= VALUE_TOLERANCE * (1.0 + value.abs()) && slope.iter().all(|g| g.abs() < 1e-4) {
            return Minimum { point, value, converged: true };
        }
    }
    Minimum { point, value, converged: false }
}

/// Backtracks until the Armijo condition holds. A first step along the plain gradient is kept to length 1.
fn line_search(
    f: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    point: &[f64],
    value: f64,
    direction: &[f64],
    descent: f64,
    fresh: bool,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let length = dot(direction, direction).sqrt();
    let limit: f64 = if fresh { 1.0 } else { 5.0 };
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
fn update_inverse(inverse: &mut [Vec<f64>], step: &[f64], change: &[f64], fresh: bool) {
    let curvature = dot(step, change);
    if curvature <= 1e-12 * dot(step, step).sqrt() * dot(change, change).sqrt() {
        return;
    }
    if fresh {
        let scale = curvature / dot(change, change);
        for (i, row) in inverse.iter_mut().enumerate() {
            row[i] = scale;
        }
    }
    let product: Vec<f64> = inverse.iter().map(|row| dot(row, change)).collect();
    let factor = (1.0 + dot(change, &product) / curvature) / curvature;
    for (i, row) in inverse.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry += factor * step[i] * step[j] - (step[i] * product[j] + product[i] * step[j]) / curvature;
        }
    }
}

fn identity(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
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
        let minimum = minimise(f, vec![-1.2, 1.0], 1e-6);
        assert!(minimum.converged);
        assert!((minimum.point[0] - 1.0).abs() < 1e-5 && (minimum.point[1] - 1.0).abs() < 1e-5, "{minimum:?}");
    }

    #[test]
    fn nothing_to_minimise() {
        assert!(minimise(|_, _| 3.0, Vec::new(), 1e-6).converged);
    }
}
