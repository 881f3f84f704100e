//! The directions in which rows of a matrix differ most: a truncated singular value decomposition.
//!
//! Randomised subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4): a seeded random start is multiplied by the
//! matrix and its transpose a few times and made orthonormal in between. The directions span the leading singular subspace
//! and are not sorted in it: cosines do not depend on a rotation, and 8-bit rounding is finer where values are even.
//!
//! The same rows in the same order give the same directions everywhere: the start is hashed and sums have one order.

use multiversion::multiversion;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::embedding::DIMENSIONS;

/// A row by its values that are not zero: column and value, ascending.
pub(crate) type SparseRow = Vec<(u32, f32)>;

type Direction = [f32; DIMENSIONS];

/// Multiplications by the matrix and its transpose.
const ITERATIONS: usize = 3;
/// Part of a vector that must be left beside the ones before it; what is less is rounding.
const LEAST_RESIDUAL: f32 = 1e-3;
const SEED: u64 = 0x7375_6273_7061_6365;
/// Sums that run side by side in a dot product, so that a processor can add them at once.
const LANES: usize = 16;

/// Orthonormal directions, at most [`DIMENSIONS`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subspace {
    /// For each column of the matrix its share in each direction.
    shares: Vec<Direction>,
}

impl Subspace {
    /// The leading directions of a matrix of that many columns.
    pub(crate) fn of(rows: &[SparseRow], columns: usize) -> Self {
        let rank = DIMENSIONS.min(rows.len()).min(columns);
        let mut left: Vec<Direction> = (0..rows.len() as u64).map(|row| random(row, rank)).collect();
        let mut shares = transposed_product(rows, columns, &left);
        for _ in 1..ITERATIONS {
            left = rows.iter().map(|row| combination(row, &shares)).collect();
            orthonormalise(&mut left);
            shares = transposed_product(rows, columns, &left);
        }
        orthonormalise(&mut shares);
        Self { shares }
    }

    /// A row's coordinates.
    pub(crate) fn project(&self, row: &[(u32, f32)]) -> Direction {
        combination(row, &self.shares)
    }
}

/// A row of random signs, zero from `rank` on.
fn random(row: u64, rank: usize) -> Direction {
    std::array::from_fn(|at| {
        if at >= rank {
            return 0.0;
        }
        let hash = xxh3_64_with_seed(&[row.to_le_bytes(), (at as u64).to_le_bytes()].concat(), SEED);
        if hash & 1 == 0 { 1.0 } else { -1.0 }
    })
}

fn transposed_product(rows: &[SparseRow], columns: usize, left: &[Direction]) -> Vec<Direction> {
    let mut product = vec![[0.0; DIMENSIONS]; columns];
    for (row, left) in rows.iter().zip(left) {
        for &(column, value) in row {
            add_scaled(&mut product[column as usize], value, left);
        }
    }
    product
}

fn combination(row: &[(u32, f32)], shares: &[Direction]) -> Direction {
    let mut sum = [0.0; DIMENSIONS];
    for &(column, value) in row {
        add_scaled(&mut sum, value, &shares[column as usize]);
    }
    sum
}

/// Makes the columns orthonormal by the modified Gram–Schmidt process; a column that depends on those before becomes zero.
fn orthonormalise(matrix: &mut [Direction]) {
    let height = matrix.len();
    let mut columns: Vec<Vec<f32>> =
        (0..DIMENSIONS).map(|column| matrix.iter().map(|row| row[column]).collect()).collect();
    for at in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(at);
        let column = &mut rest[0];
        let length = dot(column, column).sqrt();
        if length > 0.0 {
            column.iter_mut().for_each(|value| *value /= length);
        }
        for other in before.iter() {
            let shared = dot(column, other);
            if shared != 0.0 {
                add_scaled(column, -shared, other);
            }
        }
        let left = dot(column, column).sqrt();
        let scale = if left > LEAST_RESIDUAL { 1.0 / left } else { 0.0 };
        column.iter_mut().for_each(|value| *value *= scale);
    }
    for row in 0..height {
        matrix[row] = std::array::from_fn(|column| columns[column][row]);
    }
}

/// Each element is added by itself, so that the number a processor adds at once makes no difference.
#[multiversion(targets("x86_64+avx2"))]
fn add_scaled(sum: &mut [f32], scale: f32, vector: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += scale * *value;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (lefts, rights) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let mut tail = 0.0;
    for (left, right) in lefts.remainder().iter().zip(rights.remainder()) {
        tail += left * right;
    }
    for (left, right) in lefts.zip(rights) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(row: usize, column: usize) -> f32 {
        let hash = xxh3_64_with_seed(&[row.to_le_bytes(), column.to_le_bytes()].concat(), 7);
        (hash >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    #[test]
    fn few_rows_keep_their_cosines() {
        let rows: Vec<SparseRow> =
            (0..30_usize).map(|row| (0..900).map(|column| (column, noise(row, column as usize))).collect()).collect();
        let subspace = Subspace::of(&rows, 900);
        let points: Vec<Direction> = rows.iter().map(|row| subspace.project(row)).collect();
        for (one, other) in [(0, 0), (0, 1), (3, 17), (28, 29)] {
            let whole: f32 = rows[one].iter().zip(&rows[other]).map(|(a, b)| a.1 * b.1).sum();
            let kept: f32 = points[one].iter().zip(&points[other]).map(|(a, b)| a * b).sum();
            assert!((whole - kept).abs() < 0.5, "{whole} {kept}");
        }
    }

    #[test]
    fn the_leading_directions_are_found_among_noise() {
        // Rows vary strongly along two columns and weakly along all.
        let rows: Vec<SparseRow> = (0..1_200_usize)
            .map(|row| {
                let strong = |column| if column < 2 { 50.0 } else { 0.1 };
                (0..1_000).map(|column| (column, strong(column) * noise(row, column as usize))).collect()
            })
            .collect();
        let subspace = Subspace::of(&rows, 1_000);
        for column in 0..2 {
            let kept = dot(&subspace.shares[column], &subspace.shares[column]);
            assert!((kept - 1.0).abs() < 1e-2, "{kept}");
        }
    }

    #[test]
    fn a_matrix_without_rows_or_values_has_no_directions() {
        assert_eq!(Subspace::of(&[], 3).project(&[(1, 1.0)]), [0.0; DIMENSIONS]);
        assert_eq!(Subspace::of(&[Vec::new()], 1).project(&[(0, 1.0)]), [0.0; DIMENSIONS]);
    }
}
