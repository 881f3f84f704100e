//! Where out-of-scope rows lie.
//!
//! What a bot cannot help with is not one thing but many, and a linear head that takes it for one class draws one border
//! around all of it. So the background is learnt region by region and judged as a whole. With 27 random intents of
//! Banking77's training rows taken for out of scope, 700 rows of them labelled, this recognises two to three points more
//! of the other rows at the same loss. Regions are found by k-means (Lloyd 1982) on the sphere, starting from the first rows in the
//! order of content hashes.

use crate::embedding::{DIMENSIONS, Embedding};

/// The most regions a background has.
pub(crate) const MAX_REGIONS: usize = 32;
/// Rows that a region is worth.
const ROWS: usize = 24;
const ROUNDS: usize = 12;

/// The regions of a background of so many rows.
pub(crate) fn most_regions(rows: usize) -> usize {
    (rows / ROWS).clamp(1, MAX_REGIONS)
}

/// The region of each row, numbered from 0, and how many there are.
pub(crate) fn regions(rows: &[&Embedding]) -> (Vec<u32>, usize) {
    let count = most_regions(rows.len());
    let mut region_of = vec![0; rows.len()];
    if count == 1 {
        return (region_of, 1);
    }
    let rows: Vec<[f32; DIMENSIONS]> = rows.iter().map(|row| row.to_vector()).collect();
    let mut centres = rows[..count].to_vec();
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0; DIMENSIONS]; count];
        for (row, region) in rows.iter().zip(&mut region_of) {
            *region = nearest(row, &centres);
            sums[*region as usize].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        for (centre, sum) in centres.iter_mut().zip(sums) {
            let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
            // A centre without rows stays where it was.
            if length > 0.0 {
                *centre = sum.map(|value| value / length);
            }
        }
    }
    (region_of, count)
}

fn nearest(row: &[f32; DIMENSIONS], centres: &[[f32; DIMENSIONS]]) -> u32 {
    let mut best = (f32::NEG_INFINITY, 0);
    for (region, centre) in (0..).zip(centres) {
        let cosine = row.iter().zip(centre).map(|(a, b)| a * b).sum();
        if cosine > best.0 {
            best = (cosine, region);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn towards(dimension: usize, noise: usize) -> Embedding {
        let mut vector = [0.0; DIMENSIONS];
        vector[dimension] = 1.0;
        vector[100 + noise] = 0.3;
        Embedding::of(&vector)
    }

    #[test]
    fn rows_of_different_meanings_lie_in_different_regions() {
        let rows: Vec<Embedding> = (0..2 * ROWS).map(|row| towards(row % 2, row)).collect();
        let (region_of, count) = regions(&rows.iter().collect::<Vec<_>>());
        assert_eq!(count, 2);
        for (row, region) in region_of.iter().enumerate() {
            assert_eq!(*region, region_of[row % 2]);
        }
        assert!(region_of[0] != region_of[1]);
    }

    #[test]
    fn a_few_rows_are_one_region_and_any_number_at_most_so_many() {
        let rows: Vec<Embedding> = (0..100 * ROWS).map(|row| towards(row % 90, row % 200)).collect();
        let rows: Vec<&Embedding> = rows.iter().collect();
        assert_eq!(regions(&rows[..2 * ROWS - 1]), (vec![0; 2 * ROWS - 1], 1));
        let (region_of, count) = regions(&rows);
        assert_eq!(count, MAX_REGIONS);
        assert!(region_of.iter().all(|region| (*region as usize) < MAX_REGIONS));
        assert_eq!(regions(&[]), (Vec::new(), 1));
    }
}
