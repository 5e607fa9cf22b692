//! The settled filter: innovations of the difference equation theta(B) Theta(B^m) v_t = z_t.
//!
//! Run one after the other, each v_t waits for the one before: a multiplication and an addition of latency for every
//! observation. Multiplying both sides by theta(-B) leaves even powers of B alone on the left (scattered look-ahead;
//! Parhi & Messerschmitt 1989, IEEE Trans. ASSP 37, 1099-1117): two observations are computed at once. The added roots
//! mirror theta's own, inside the same circle, so it stays stable.

/// A settled filter's difference equation theta(B) Theta(B^m) v_t = phi(B) x_t.
pub(crate) struct DifferenceEquation<'a> {
    /// Lag coefficients of phi(B) = 1 - phi_1 B - ..., seasonal factor included.
    pub(crate) phi: &'a [f64],
    /// theta(B) = 1 + theta_1 B + ...
    pub(crate) theta: &'a [f64],
    /// Theta(B^m).
    pub(crate) seasonal: &'a [f64],
    pub(crate) period: usize,
}

impl DifferenceEquation<'_> {
    /// Solves for v. What came before x enters as `state`: what it still contributes to the first x's predictions.
    pub(crate) fn solve(&self, x: &[f64], state: &[f64], v: &mut [f64]) {
        let phi: Vec<f64> = std::iter::once(1.0).chain(self.phi.iter().map(|c| -c)).collect();
        divide(&phi, x, state, self.theta, v);
        one_by_one(v, self.seasonal, self.period);
    }

    /// Solves theta(F) Theta(F^m) w_t = v_t, F = B^-1, for v that is zero after its end: the transposed equation.
    pub(crate) fn solve_transposed(&self, v: &[f64], w: &mut [f64]) {
        match *self.theta {
            [a] => divide_in_pairs_backwards(v, [a], w),
            [a, b] => divide_in_pairs_backwards(v, [a, b], w),
            [a, b, c] => divide_in_pairs_backwards(v, [a, b, c], w),
            [a, b, c, d] => divide_in_pairs_backwards(v, [a, b, c, d], w),
            [a, b, c, d, e] => divide_in_pairs_backwards(v, [a, b, c, d, e], w),
            _ => {
                w.copy_from_slice(v);
                one_by_one_backwards(w, self.theta, 1);
            }
        }
        one_by_one_backwards(w, self.seasonal, self.period);
    }
}

/// out = (h(B) x - state) / theta(B).
fn divide(h: &[f64], x: &[f64], state: &[f64], theta: &[f64], out: &mut [f64]) {
    match *theta {
        [a] => divide_in_pairs(h, x, state, [a], out),
        [a, b] => divide_in_pairs(h, x, state, [a, b], out),
        [a, b, c] => divide_in_pairs(h, x, state, [a, b, c], out),
        [a, b, c, d] => divide_in_pairs(h, x, state, [a, b, c, d], out),
        [a, b, c, d, e] => divide_in_pairs(h, x, state, [a, b, c, d, e], out),
        _ => {
            multiply(h, x, out);
            for (value, contribution) in out.iter_mut().zip(state) {
                *value -= contribution;
            }
            one_by_one(out, theta, 1);
        }
    }
}

/// out_t = h_0 x_t + h_1 x_{t-1} + ..., for x that is zero before its start.
fn multiply(h: &[f64], x: &[f64], out: &mut [f64]) {
    match *h {
        [a] => multiply_by([a], x, out),
        [a, b] => multiply_by([a, b], x, out),
        [a, b, c] => multiply_by([a, b, c], x, out),
        [a, b, c, d] => multiply_by([a, b, c, d], x, out),
        [a, b, c, d, e] => multiply_by([a, b, c, d, e], x, out),
        [a, b, c, d, e, f] => multiply_by([a, b, c, d, e, f], x, out),
        [a, b, c, d, e, f, g] => multiply_by([a, b, c, d, e, f, g], x, out),
        [a, b, c, d, e, f, g, i] => multiply_by([a, b, c, d, e, f, g, i], x, out),
        [a, b, c, d, e, f, g, i, j] => multiply_by([a, b, c, d, e, f, g, i, j], x, out),
        [a, b, c, d, e, f, g, i, j, k] => multiply_by([a, b, c, d, e, f, g, i, j, k], x, out),
        [a, b, c, d, e, f, g, i, j, k, l] => multiply_by([a, b, c, d, e, f, g, i, j, k, l], x, out),
        _ => {
            out.fill(0.0);
            for (lag, &c) in h.iter().enumerate().filter(|(_, c)| **c != 0.0) {
                for (to, from) in out.iter_mut().skip(lag).zip(x) {
                    *to += c * from;
                }
            }
        }
    }
}

fn multiply_by<const K: usize>(h: [f64; K], x: &[f64], out: &mut [f64]) {
    let start = (K - 1).min(x.len());
    for t in 0..start {
        out[t] = (0..=t).map(|j| h[j] * x[t - j]).sum();
    }
    for (to, window) in out[start..].iter_mut().zip(x.windows(K)) {
        let mut value = h[0] * window[K - 1];
        for j in 1..K {
            value += h[j] * window[K - 1 - j];
        }
        *to = value;
    }
}

/// sum over t of a_t b_{t-lag}, for lags 1 to `count`.
pub(crate) fn lagged_products(a: &[f64], b: &[f64], count: usize) -> Vec<f64> {
    let mut products = Vec::with_capacity(count);
    while products.len() < count {
        let first = products.len() + 1;
        match count - products.len() {
            1 => products.extend(lagged_products_from::<1>(a, b, first)),
            2 => products.extend(lagged_products_from::<2>(a, b, first)),
            _ => products.extend(lagged_products_from::<3>(a, b, first)),
        }
    }
    products
}

/// The same for K lags from `first` on, in one pass over the data.
fn lagged_products_from<const K: usize>(a: &[f64], b: &[f64], first: usize) -> [f64; K] {
    const WIDTH: usize = 4;
    let n = a.len().min(b.len());
    // Before this index, not all lags have their partner.
    let start = (first + K - 1).min(n);
    let mut sums: [f64; K] = std::array::from_fn(|k| (first + k..start).map(|t| a[t] * b[t - first - k]).sum());
    let mut wide = [[0.0; WIDTH]; K];
    let mut chunks = a[start..n].chunks_exact(WIDTH);
    let mut t = start;
    for chunk in &mut chunks {
        let past = &b[t - first - (K - 1)..][..WIDTH + K - 1];
        for k in 0..K {
            for i in 0..WIDTH {
                wide[k][i] += chunk[i] * past[K - 1 - k + i];
            }
        }
        t += WIDTH;
    }
    for (i, value) in chunks.remainder().iter().enumerate() {
        for k in 0..K {
            sums[k] += value * b[t + i - first - k];
        }
    }
    for k in 0..K {
        sums[k] += (wide[k][0] + wide[k][2]) + (wide[k][1] + wide[k][3]);
    }
    sums
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

fn one_by_one(z: &mut [f64], coefficients: &[f64], lag: usize) {
    if coefficients.is_empty() {
        return;
    }
    for t in lag..z.len() {
        let mut value = z[t];
        for (j, c) in coefficients.iter().enumerate().take(t / lag) {
            value -= c * z[t - (j + 1) * lag];
        }
        z[t] = value;
    }
}

fn one_by_one_backwards(z: &mut [f64], coefficients: &[f64], lag: usize) {
    if coefficients.is_empty() {
        return;
    }
    let n = z.len();
    for t in (0..n.saturating_sub(lag)).rev() {
        let mut value = z[t];
        for (j, c) in coefficients.iter().enumerate().take((n - 1 - t) / lag) {
            value -= c * z[t + (j + 1) * lag];
        }
        z[t] = value;
    }
}

fn divide_in_pairs<const Q: usize>(h: &[f64], x: &[f64], state: &[f64], theta: [f64; Q], out: &mut [f64]) {
    let (even, mirrored) = every_second(theta);
    // h(B) theta(-B), so that the data are read once.
    let mut numerator = vec![0.0; h.len() + Q];
    for (i, a) in h.iter().enumerate() {
        numerator[i] += a;
        for (j, b) in mirrored.iter().enumerate() {
            numerator[i + j + 1] += a * b;
        }
    }
    multiply(&numerator, x, out);
    for (i, s) in state.iter().enumerate().take(out.len()) {
        out[i] -= s;
        for (value, b) in out[i + 1..].iter_mut().zip(&mirrored) {
            *value -= s * b;
        }
    }

    let mut past = [[0.0; 2]; Q];
    let mut pairs = out.chunks_exact_mut(2);
    for pair in &mut pairs {
        divide_pair(pair, &mut past, &even);
    }
    if let [last] = pairs.into_remainder() {
        for j in 0..Q {
            *last -= even[j] * past[j][0];
        }
    }
}

/// out = v / theta(F), from the end.
fn divide_in_pairs_backwards<const Q: usize>(v: &[f64], theta: [f64; Q], out: &mut [f64]) {
    let (even, mirrored) = every_second(theta);
    let whole = v.len().saturating_sub(Q);
    for (to, window) in out[..whole].iter_mut().zip(v.windows(Q + 1)) {
        let mut value = window[0];
        for j in 0..Q {
            value += mirrored[j] * window[j + 1];
        }
        *to = value;
    }
    for t in whole..v.len() {
        out[t] = v[t] + mirrored.iter().zip(&v[t + 1..]).map(|(c, later)| c * later).sum::<f64>();
    }

    let mut past = [[0.0; 2]; Q];
    let mut pairs = out.rchunks_exact_mut(2);
    for pair in &mut pairs {
        divide_pair(pair, &mut past, &even);
    }
    if let [first] = pairs.into_remainder() {
        for j in 0..Q {
            *first -= even[j] * past[j][1];
        }
    }
}

/// Two observations, side by side: each waits for those two, four, .. places before it.
#[inline]
fn divide_pair<const Q: usize>(pair: &mut [f64], past: &mut [[f64; 2]; Q], even: &[f64; Q]) {
    let mut values = [pair[0], pair[1]];
    for j in (0..Q).rev() {
        values[0] -= even[j] * past[j][0];
        values[1] -= even[j] * past[j][1];
    }
    pair.copy_from_slice(&values);
    shift(past, values);
}

/// Puts a value in front; written out because `rotate_right` would leave the registers.
#[inline]
fn shift<T: Copy, const Q: usize>(past: &mut [T; Q], newest: T) {
    for j in (1..Q).rev() {
        past[j] = past[j - 1];
    }
    past[0] = newest;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagged_products_are_sums_of_products() {
        let a: Vec<f64> = (0..40).map(|t| f64::from(t * t % 7)).collect();
        let b: Vec<f64> = (0..40).map(|t| f64::from(t * t % 11)).collect();
        for n in [0, 1, 3, 5, 8, 9, 40] {
            for count in [0, 1, 2, 3, 4, 5, 13, 50] {
                let expected: Vec<f64> = (1..=count).map(|lag| (lag..n).map(|t| a[t] * b[t - lag]).sum()).collect();
                assert_eq!(lagged_products(&a[..n], &b[..n], count), expected, "{n} {count}");
            }
        }
    }

    #[test]
    fn two_at_once_are_the_same_as_one_by_one() {
        let (phi, state) = ([0.5, -0.2], [1.0, -2.0, 0.5]);
        let x: Vec<f64> = (0..103).map(|t| f64::from(t * t % 23) - 11.0).collect();
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
            for length in [0, 1, 3, 4, 7, 50, x.len()] {
                let equation = DifferenceEquation { phi: &phi, theta, seasonal: &[0.3], period: 12 };
                let mut fast = vec![0.0; length];
                equation.solve(&x[..length], &state, &mut fast);
                let mut plain = vec![0.0; length];
                multiply(&[1.0, -0.5, 0.2], &x[..length], &mut plain);
                for (value, s) in plain.iter_mut().zip(&state) {
                    *value -= s;
                }
                one_by_one(&mut plain, theta, 1);
                one_by_one(&mut plain, &[0.3], 12);
                for (a, b) in fast.iter().zip(&plain) {
                    assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{theta:?}: {a} {b}");
                }

                let mut fast = vec![0.0; length];
                equation.solve_transposed(&x[..length], &mut fast);
                let mut plain: Vec<f64> = x[..length].iter().rev().copied().collect();
                one_by_one(&mut plain, theta, 1);
                one_by_one(&mut plain, &[0.3], 12);
                for (a, b) in fast.iter().zip(plain.iter().rev()) {
                    assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{theta:?} transposed: {a} {b}");
                }
            }
        }
    }
}
