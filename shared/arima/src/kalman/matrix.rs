//! The little linear algebra of small symmetric matrices: as many rows as a model has coefficients.

/// Lower Cholesky factor; `None` where the matrix is not safely positive definite.
pub(crate) fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let k = matrix.len();
    let mut lower = vec![vec![0.0; k]; k];
    for i in 0..k {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|l| lower[i][l] * lower[j][l]).sum();
            let rest = matrix[i][j] - inner;
            if i == j {
                if rest <= 1e-10 * matrix[i][i] || rest.is_nan() {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    Some(lower)
}

/// Solves L L' x = b in place.
pub(crate) fn solve(lower: &[Vec<f64>], b: &mut [f64]) {
    let k = b.len();
    for i in 0..k {
        let inner: f64 = (0..i).map(|j| lower[i][j] * b[j]).sum();
        b[i] = (b[i] - inner) / lower[i][i];
    }
    for i in (0..k).rev() {
        let inner: f64 = (i + 1..k).map(|j| lower[j][i] * b[j]).sum();
        b[i] = (b[i] - inner) / lower[i][i];
    }
}

/// The inverse; `None` where the matrix is not safely positive definite.
pub(crate) fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let lower = cholesky(matrix)?;
    let mut columns = identity(matrix.len());
    columns.iter_mut().for_each(|column| solve(&lower, column));
    Some(columns)
}

pub(crate) fn identity(k: usize) -> Vec<Vec<f64>> {
    (0..k).map(|i| (0..k).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse() {
        let matrix = [vec![4.0, 1.0, 0.5], vec![1.0, 3.0, -0.2], vec![0.5, -0.2, 2.0]];
        let inverse = inverse(&matrix).expect("positive definite");
        for i in 0..3 {
            for j in 0..3 {
                let entry: f64 = (0..3).map(|k| matrix[i][k] * inverse[k][j]).sum();
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-14, "{i} {j}: {entry}");
            }
        }
        assert_eq!(cholesky(&[vec![1.0, 1.0], vec![1.0, 1.0]]), None);
    }
}
