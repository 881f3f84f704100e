//! The network's floating-point arithmetic, written so that its results do not depend on the processor.
//!
//! Sums run in [`LANES`] partial sums that are folded in a fixed tree, so that a compiler may put them in registers of
//! any width without changing a bit. Rust neither reorders nor contracts floating-point operations; nothing here
//! calls the platform's mathematics library, and square root and division are exact by IEEE 754.

/// The range of a row that is all but zero, so that its scale can be divided by.
const SMALLEST_RANGE: f32 = 1e-9;

/// Partial sums of a reduction: the lanes of the widest register there is.
pub(crate) const LANES: usize = 16;

/// 1.5 · 2²³: adding it leaves a number of magnitude below 2²² rounded to an integer in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// Folds partial sums, halves onto halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Sum of `term` over the values, whose number is a multiple of [`LANES`].
#[inline(always)]
fn sum_of(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    for chunk in values.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            lanes[lane] += term(chunk[lane]);
        }
    }
    fold(lanes)
}

#[inline(always)]
fn larger(left: f32, right: f32) -> f32 {
    if left > right { left } else { right }
}

/// The largest `term` of the values, whose number is a multiple of [`LANES`], or `floor`.
#[inline(always)]
fn largest_of(values: &[f32], floor: f32, term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [floor; LANES];
    for chunk in values.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            lanes[lane] = larger(term(chunk[lane]), lanes[lane]);
        }
    }
    lanes.into_iter().fold(floor, larger)
}

/// The nearest integer, ties to even, for magnitudes below 2²².
#[inline(always)]
fn round(value: f32) -> f32 {
    value + ROUNDING - ROUNDING
}

/// eˣ for x from −87 to 88 (others are clamped), to 2 units in the last place: 2ⁿ · eᶠ with |f| ≤ ln 2 / 2, the latter by its
/// Taylor series to the sixth power; ln 2 in two parts after Cody & Waite (1980).
#[inline(always)]
pub(crate) fn exponential(value: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let value = if value < -87.0 { -87.0 } else { value };
    let value = if value > 88.0 { 88.0 } else { value };
    let shifted = value * std::f32::consts::LOG2_E + ROUNDING;
    let power = shifted - ROUNDING;
    let rest = value - power * LN_2_HIGH - power * LN_2_LOW;
    let mut series = 1.0 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * rest + coefficient;
    }
    let exponent = (shifted.to_bits().wrapping_sub(ROUNDING.to_bits())).wrapping_add(127);
    series * f32::from_bits(exponent << 23)
}

/// x · Φ(x) (Hendrycks & Gimpel 2016), the error function by formula 7.1.26 of Abramowitz & Stegun (1964): absolute error
/// 1.5 · 10⁻⁷.
#[inline(always)]
pub(crate) fn gelu(value: f32) -> f32 {
    let argument = value * std::f32::consts::FRAC_1_SQRT_2;
    let magnitude = argument.abs();
    let term = 1.0 / (1.0 + 0.327_591_1 * magnitude);
    let mut series = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        series = series * term + coefficient;
    }
    let complement = series * term * exponential(-magnitude * magnitude);
    let error_function = (1.0 - complement).copysign(value);
    0.5 * value * (1.0 + error_function)
}

/// Gains and biases of a layer norm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'package> {
    pub gains: &'package [f32],
    pub biases: &'package [f32],
}

/// Layer normalisation of a row (Ba et al. 2016), ε = 10⁻¹² as in BERT.
#[inline(always)]
pub(crate) fn normalise(row: &mut [f32], norm: Norm<'_>) {
    let width = row.len();
    let mean = sum_of(row, |value| value) / width as f32;
    let variance = sum_of(row, |value| (value - mean) * (value - mean)) / width as f32;
    let inverse = 1.0 / (variance + 1e-12).sqrt();
    let (gains, biases) = (&norm.gains[..width], &norm.biases[..width]);
    for index in 0..width {
        row[index] = (row[index] - mean) * inverse * gains[index] + biases[index];
    }
}

/// Scales a row to length one; a row of zeros stays.
#[inline(always)]
pub(crate) fn to_unit_length(row: &mut [f32]) {
    let square = sum_of(row, |value| value * value);
    if square == 0.0 {
        return;
    }
    let inverse = 1.0 / square.sqrt();
    for value in row {
        *value *= inverse;
    }
}

/// What the bytes of a row stand for: `unit` × (byte + `centre`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Grid {
    pub unit: f32,
    /// From −127 to 127.
    pub centre: i32,
}

/// Writes a row as bytes from −127 to 127 plus `offset`. Activations lie far from even about zero: a grid around the middle
/// of their range halves the error of one around zero.
#[inline(always)]
pub(crate) fn quantise(row: &[f32], offset: i32, bytes: &mut [u8]) -> Grid {
    // Steps between the least and the greatest value. One is kept back, for each end and the centre are rounded.
    const STEPS: f32 = 253.0;
    let greatest = largest_of(row, SMALLEST_RANGE, |value| value);
    let least = -largest_of(row, SMALLEST_RANGE, |value| -value);
    let range = greatest - least;
    let inverse = STEPS / range;
    let centre = round(0.5 * (greatest + least) * inverse) as i32;
    let shift = (offset - centre) as u32;
    for (byte, value) in bytes.iter_mut().zip(row) {
        let rounded = (value * inverse + ROUNDING).to_bits();
        *byte = rounded.wrapping_sub(ROUNDING.to_bits()).wrapping_add(shift) as u8;
    }
    Grid { unit: range / STEPS, centre }
}

/// Softmax of the first `length` scores up to a factor, the sum of all, which is returned. The other scores, up to a
/// multiple of [`LANES`], become zero.
#[inline(always)]
pub(crate) fn exponentials(scores: &mut [f32], length: usize) -> f32 {
    let padded = length.next_multiple_of(LANES);
    scores[length..padded].fill(f32::NEG_INFINITY);
    let largest = largest_of(&scores[..padded], f32::NEG_INFINITY, |score| score);
    for score in &mut scores[..padded] {
        *score = exponential(*score - largest);
    }
    scores[length..padded].fill(0.0);
    sum_of(&scores[..padded], |score| score)
}

/// A row as bytes with a scale, rounded to the nearest: for the tables of a package.
pub(crate) fn to_bytes(row: &[f32]) -> (Vec<i8>, f32) {
    let largest = largest_of(row, SMALLEST_RANGE, f32::abs);
    let inverse = 127.0 / largest;
    let bytes = row.iter().map(|value| round(value * inverse) as i8).collect();
    (bytes, largest / 127.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Grid, exponential, exponentials, gelu, quantise};

    #[test]
    fn the_exponential_is_near_the_true_one() {
        for step in -8700..=8800 {
            let value = step as f32 / 100.0;
            let truth = f64::from(value).exp();
            assert!((f64::from(exponential(value)) / truth - 1.0).abs() < 4e-7, "{value}");
        }
        assert_eq!(exponential(-1000.0), exponential(-87.0));
    }

    #[test]
    fn gelu_is_near_the_true_one() {
        for step in -1000..=1000 {
            let value = step as f32 / 100.0;
            let truth = 0.5 * f64::from(value) * (1.0 + libm::erf(f64::from(value) / 2f64.sqrt()));
            assert!((f64::from(gelu(value)) - truth).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn equal_scores_have_equal_shares_and_padding_has_none() {
        let mut scores = [300.0; 32];
        assert_eq!(exponentials(&mut scores, 20), 20.0);
        assert_eq!(scores[..20], [1.0; 20]);
        assert_eq!(scores[20..], [0.0; 12]);
    }

    #[test]
    fn zero_is_exact_wherever_the_range_lies() {
        let mut bytes = [0; 16];
        assert_eq!(quantise(&[0.0; 16], 0, &mut bytes), Grid { unit: 2e-9 / 253.0, centre: 0 });
        assert_eq!(bytes, [0; 16]);
        for range in [[-1.0, 3.0], [-0.17, 9.0], [0.5, 0.5], [-1e30, 2.0]] {
            let mut row = [0.0; 16];
            row[..2].copy_from_slice(&range);
            let grid = quantise(&row, 128, &mut bytes);
            assert_eq!(i32::from(bytes[7]) - 128 + grid.centre, 0, "{range:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_stay_between_127_below_and_above_and_half_a_unit_from_the_value(
            row in prop::array::uniform16(-1e3_f32..1e3),
            shift in -1e3_f32..1e3,
            squeeze in prop_oneof![Just(1.0_f32), Just(1e-3), Just(0.0)],
        ) {
            let row = row.map(|value| value * squeeze + shift);
            let mut bytes = [0; 16];
            let grid = quantise(&row, 128, &mut bytes);
            prop_assert!(grid.centre.abs() <= 127);
            for (byte, value) in bytes.into_iter().zip(row) {
                prop_assert!(byte > 0);
                let stands_for = grid.unit * (i32::from(byte) - 128 + grid.centre) as f32;
                prop_assert!((stands_for - value).abs() <= 0.501 * grid.unit + 1e-3 * grid.unit);
            }
        }
    }
}
