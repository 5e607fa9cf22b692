//! The settled filter: innovations of the difference equation theta(B) Theta(B^m) v_t = z_t.
//!
//! Run one after the other, each v_t waits for the one before: a multiplication and an addition of latency for every
//! observation. Multiplying both sides by theta(-B) leaves even powers of B alone on the left, and doing so again leaves
//! every fourth (scattered look-ahead; Parhi & Messerschmitt 1989, IEEE Trans. ASSP 37, 1099-1117). So four
//! observations are computed at once. The added roots mirror theta's own, inside the same circle: it stays stable.

/// Solves theta(B) Theta(B^m) v = z in place, for z that is zero before its start.
pub(crate) fn solve(z: &mut [f64], theta: &[f64], seasonal: &[f64], period: usize) {
    match *theta {
        [] => {}
        [a] => solve_in_fours(z, [a]),
        [a, b] => solve_in_fours(z, [a, b]),
        [a, b, c] => solve_in_fours(z, [a, b, c]),
        [a, b, c, d] => solve_in_fours(z, [a, b, c, d]),
        [a, b, c, d, e] => solve_in_fours(z, [a, b, c, d, e]),
        _ => solve_one_by_one(z, theta, 1),
    }
    solve_one_by_one(z, seasonal, period);
}

/// Solves theta(F) Theta(F^m) v = z in place, F = B^-1, for z that is zero after its end.
pub(crate) fn solve_backwards(z: &mut [f64], theta: &[f64], seasonal: &[f64], period: usize) {
    z.reverse();
    solve(z, theta, seasonal, period);
    z.reverse();
}

/// z_t <- z_t - c z_{t-lag} for all t at once, from the right-hand side's own values.
pub(crate) fn subtract_lagged(z: &mut [f64], x: &[f64], lag: usize, c: f64) {
    if lag < z.len() {
        for (to, from) in z[lag..].iter_mut().zip(x) {
            *to -= c * from;
        }
    }
}

/// sum over t of a_t b_{t-lag}.
pub(crate) fn lagged_product(a: &[f64], b: &[f64], lag: usize) -> f64 {
    if lag >= a.len() { 0.0 } else { dot(&a[lag..], b) }
}

/// In eight partial sums, because one alone would wait for each addition.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 8];
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)) + tail
}

fn solve_one_by_one(z: &mut [f64], coefficients: &[f64], lag: usize) {
    for t in lag..z.len() {
        let mut value = z[t];
        for (j, c) in coefficients.iter().enumerate().take(t / lag) {
            value -= c * z[t - (j + 1) * lag];
        }
        z[t] = value;
    }
}

fn solve_in_fours<const Q: usize>(z: &mut [f64], theta: [f64; Q]) {
    let (even, mirrored) = every_second(theta);
    multiply(z, mirrored, 1);
    let (fourth, mirrored) = every_second(even);
    multiply(z, mirrored, 2);

    let mut past = [[0.0; 4]; Q];
    let mut blocks = z.chunks_exact_mut(4);
    for block in &mut blocks {
        let mut values = [block[0], block[1], block[2], block[3]];
        for j in (0..Q).rev() {
            for i in 0..4 {
                values[i] -= fourth[j] * past[j][i];
            }
        }
        block.copy_from_slice(&values);
        past.rotate_right(1);
        past[0] = values;
    }
    for (i, value) in blocks.into_remainder().iter_mut().enumerate() {
        for j in 0..Q {
            *value -= fourth[j] * past[j][i];
        }
    }
}

/// For c(B) = 1 + c_1 B + ..., the coefficients of c(B) c(-B) = 1 + e_1 B^2 + e_2 B^4 + ..., and those of c(-B).
fn every_second<const Q: usize>(c: [f64; Q]) -> ([f64; Q], [f64; Q]) {
    let mut mirrored = c;
    for j in (0..Q).step_by(2) {
        mirrored[j] = -c[j];
    }
    let at = |c: &[f64; Q], i: usize| if i == 0 { 1.0 } else { c[i - 1] };
    let mut even = [0.0; Q];
    for (k, e) in even.iter_mut().enumerate() {
        let power = 2 * (k + 1);
        for i in power.saturating_sub(Q)..=Q.min(power) {
            *e += at(&c, i) * at(&mirrored, power - i);
        }
    }
    (even, mirrored)
}

/// z <- (1 + c_1 B^lag + c_2 B^{2 lag} + ...) z in place, from the end so that no value is read after it was changed.
fn multiply<const Q: usize>(z: &mut [f64], c: [f64; Q], lag: usize) {
    let reach = Q * lag;
    let split = reach.min(z.len());
    for t in (split..z.len()).rev() {
        let mut value = z[t];
        for j in 0..Q {
            value += c[j] * z[t - (j + 1) * lag];
        }
        z[t] = value;
    }
    for t in (0..split).rev() {
        let mut value = z[t];
        for (j, c) in c.iter().enumerate().take(t / lag) {
            value += c * z[t - (j + 1) * lag];
        }
        z[t] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_at_once_are_the_same_as_one_by_one() {
        let z: Vec<f64> = (0..103).map(|t| f64::from(t * t % 23) - 11.0).collect();
        let rows: &[&[f64]] = &[
            &[],
            &[0.5],
            &[-0.99],
            &[1.5, 0.9],
            &[0.4, 0.2, -0.3],
            &[0.1, -0.2, 0.3, 0.4],
            &[0.1, -0.2, 0.3, 0.4, -0.25],
            &[0.1, -0.2, 0.3, 0.4, -0.25, 0.1],
        ];
        for theta in rows {
            for length in [0, 1, 3, 4, 7, 50, z.len()] {
                let (mut fast, mut plain) = (z[..length].to_vec(), z[..length].to_vec());
                solve(&mut fast, theta, &[0.3], 12);
                solve_one_by_one(&mut plain, theta, 1);
                solve_one_by_one(&mut plain, &[0.3], 12);
                for (a, b) in fast.iter().zip(&plain) {
                    assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{theta:?}: {a} {b}");
                }
            }
        }
    }
}
