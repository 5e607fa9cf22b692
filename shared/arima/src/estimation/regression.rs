//! Least squares by modified Gram-Schmidt, in whatever product whitens the innovations.

use std::borrow::Cow;

/// What a regression found.
pub(crate) struct Regression {
    /// One for each column; 0 for a column that is a combination of those before it.
    pub(crate) weights: Vec<f64>,
    /// Squared lengths of the columns, orthogonal to those before them.
    pub(crate) squares: Vec<f64>,
    /// Row i: how much of direction i each later column held.
    pub(crate) triangle: Vec<Vec<f64>>,
}

/// What is left of a column is rounding, where it is no more than this share of its square.
pub(crate) const NOTHING: f64 = 1e-20;

/// Takes the columns' part out of y. The columns are left orthogonal to each other. With their squared lengths, one that is a
/// combination of others down to rounding has no part.
pub(crate) fn regress(
    y: &mut [f64],
    columns: &mut [Vec<f64>],
    lengths: &[f64],
    product: impl Fn(&[f64], &[f64]) -> f64,
) -> Regression {
    let count = columns.len();
    let mut regression =
        Regression { weights: vec![0.0; count], squares: vec![0.0; count], triangle: vec![vec![0.0; count]; count] };
    for i in 0..count {
        let (done, rest) = columns.split_at_mut(i + 1);
        let direction = &done[i];
        let square = product(direction, direction);
        regression.squares[i] = square;
        if square <= NOTHING * lengths.get(i).unwrap_or(&0.0) {
            continue;
        }
        for (offset, column) in rest.iter_mut().enumerate() {
            let weight = product(direction, column) / square;
            regression.triangle[i][i + 1 + offset] = weight;
            subtract(column, direction, weight);
        }
        regression.weights[i] = product(direction, y) / square;
        subtract(y, direction, regression.weights[i]);
    }
    for i in (0..count).rev() {
        let later: f64 = (i + 1..count).map(|j| regression.triangle[i][j] * regression.weights[j]).sum();
        regression.weights[i] -= later;
    }
    regression
}

/// The series less what the columns contribute.
pub(crate) fn without<'a>(y: &'a [f64], columns: &[Vec<f64>], weights: &[f64]) -> Cow<'a, [f64]> {
    let mut rest = Cow::Borrowed(y);
    for (column, weight) in columns.iter().zip(weights).filter(|(_, weight)| **weight != 0.0) {
        subtract(rest.to_mut(), column, *weight);
    }
    rest
}

fn subtract(from: &mut [f64], direction: &[f64], weight: f64) {
    for (x, d) in from.iter_mut().zip(direction) {
        *x -= weight * d;
    }
}
