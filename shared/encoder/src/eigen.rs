//! Eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, "Matrix Computations", 8.5).
//!
//! Slower than what libraries do and free of their freedom: rotations come in one order, so the same matrix gives the
//! same bits everywhere.

/// Most sweeps over all pairs; a symmetric matrix of a few hundred rows takes about ten.
const SWEEPS: usize = 40;
/// Done when what is off the diagonal is this part of the whole (sums of squares).
const NEGLIGIBLE: f64 = 1e-24;

/// The eigenvectors of the `count` largest eigenvalues of a symmetric matrix of `width` rows, largest first, each of
/// length one and with its coordinate of largest magnitude positive.
pub(crate) fn leading(mut matrix: Vec<f64>, width: usize, count: usize) -> Vec<Vec<f64>> {
    let mut vectors = vec![0.0; width * width];
    (0..width).for_each(|index| vectors[index * width + index] = 1.0);
    let whole: f64 = matrix.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        let diagonal: f64 = (0..width).map(|index| matrix[index * width + index].powi(2)).sum();
        if whole - diagonal <= NEGLIGIBLE * whole || off_diagonal(&matrix, width) <= NEGLIGIBLE * whole {
            break;
        }
        for first in 0..width {
            for second in first + 1..width {
                rotate(&mut matrix, &mut vectors, width, first, second);
            }
        }
    }
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&left, &right| matrix[right * width + right].total_cmp(&matrix[left * width + left]));
    order.into_iter().take(count).map(|index| upright(&vectors[index * width..][..width])).collect()
}

fn off_diagonal(matrix: &[f64], width: usize) -> f64 {
    let rows = matrix.chunks_exact(width).enumerate();
    rows.map(|(row, values)| values[row + 1..].iter().map(|value| 2.0 * value * value).sum::<f64>()).sum()
}

/// Makes the element at (first, second) zero.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], width: usize, first: usize, second: usize) {
    let element = matrix[first * width + second];
    if element == 0.0 {
        return;
    }
    let difference = matrix[second * width + second] - matrix[first * width + first];
    let cotangent = difference / (2.0 * element);
    let sign = if cotangent < 0.0 { -1.0 } else { 1.0 };
    let tangent = sign / (cotangent.abs() + (cotangent * cotangent + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    mix_rows(matrix, width, first, second, cosine, sine);
    for row in matrix.chunks_exact_mut(width) {
        let (left, right) = (row[first], row[second]);
        row[first] = cosine * left - sine * right;
        row[second] = sine * left + cosine * right;
    }
    mix_rows(vectors, width, first, second, cosine, sine);
}

fn mix_rows(matrix: &mut [f64], width: usize, first: usize, second: usize, cosine: f64, sine: f64) {
    let (above, below) = matrix.split_at_mut(second * width);
    for (left, right) in above[first * width..][..width].iter_mut().zip(&mut below[..width]) {
        (*left, *right) = (cosine * *left - sine * *right, sine * *left + cosine * *right);
    }
}

fn upright(vector: &[f64]) -> Vec<f64> {
    let largest =
        vector.iter().fold(0.0, |largest: f64, &value| if value.abs() > largest.abs() { value } else { largest });
    vector.iter().map(|value| if largest < 0.0 { -value } else { *value }).collect()
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn a_matrix_is_rebuilt_from_its_eigenvectors() {
        let width = 12;
        let element = |row: usize, column: usize| ((row * column) as f64).sin() + if row == column { 3.0 } else { 0.0 };
        let matrix: Vec<f64> = (0..width * width).map(|at| element(at / width, at % width)).collect();
        let vectors = leading(matrix.clone(), width, width);
        let image = |vector: &[f64], row: usize| -> f64 {
            vector.iter().zip(&matrix[row * width..]).map(|(value, element)| value * element).sum()
        };
        let mut previous = f64::INFINITY;
        for vector in &vectors {
            let value: f64 = (0..width).map(|row| image(vector, row) * vector[row]).sum();
            assert!(value <= previous);
            previous = value;
            for row in 0..width {
                assert!((image(vector, row) - value * vector[row]).abs() < 1e-10);
            }
            let largest = vector.iter().copied().max_by(|left, right| left.abs().total_cmp(&right.abs())).unwrap();
            assert!(largest > 0.0);
        }
    }
}
