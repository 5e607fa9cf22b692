//! Minimisation by the simplex method of Nelder & Mead (1965, Computer Journal 7, 308-313), for functions without a gradient and with
//! walls: they answer infinity there. Deterministic.

const MAX_STEPS: usize = 400;
/// The search ends where the corners' values differ by less than this.
const TOLERANCE: f64 = 1e-7;

/// The lowest point found from a start, and the value there. The other corners of the first simplex are so far away.
pub(super) fn minimise(f: &mut impl FnMut(&[f64]) -> f64, start: &[f64], edge: f64) -> (Vec<f64>, f64) {
    let n = start.len();
    let mut corners: Vec<(f64, Vec<f64>)> = Vec::with_capacity(n + 1);
    corners.push((f(start), start.to_vec()));
    for i in 0..n {
        // Towards the side where the function is defined.
        let corner = |step: f64| {
            let mut point = start.to_vec();
            point[i] += step;
            point
        };
        let (up, down) = (corner(edge), corner(-edge));
        let (above, below) = (f(&up), f(&down));
        corners.push(if above <= below { (above, up) } else { (below, down) });
    }
    for _ in 0..MAX_STEPS * n.max(1) {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (lowest, highest) = (corners[0].0, corners[n].0);
        if highest.is_finite() && highest - lowest <= TOLERANCE {
            break;
        }
        let centre: Vec<f64> =
            (0..n).map(|i| corners[..n].iter().map(|(_, point)| point[i]).sum::<f64>() / n as f64).collect();
        let at = |share: f64, corners: &[(f64, Vec<f64>)]| -> Vec<f64> {
            centre.iter().zip(&corners[n].1).map(|(c, worst)| c + share * (worst - c)).collect()
        };
        let reflected = at(-1.0, &corners);
        let value = f(&reflected);
        if value < lowest {
            let expanded = at(-2.0, &corners);
            let further = f(&expanded);
            corners[n] = if further < value { (further, expanded) } else { (value, reflected) };
        } else if value < corners[n - 1].0 {
            corners[n] = (value, reflected);
        } else {
            let contracted = at(if value < highest { -0.5 } else { 0.5 }, &corners);
            let inner = f(&contracted);
            if inner < highest.min(value) {
                corners[n] = (inner, contracted);
            } else {
                let best = corners[0].1.clone();
                for (value, point) in &mut corners[1..] {
                    point.iter_mut().zip(&best).for_each(|(p, b)| *p = b + 0.5 * (*p - b));
                    *value = f(point);
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (value, point) = corners.swap_remove(0);
    (point, value)
}
