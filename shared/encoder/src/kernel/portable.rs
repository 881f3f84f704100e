//! The vector operations in plain Rust: correct everywhere, fast nowhere.

use super::{
    GROUP, PANEL,
    tile::{Lanes, STEP},
};

const OUTPUTS: usize = 16;

/// Sixteen outputs, one after another.
#[derive(Debug)]
pub(crate) struct Scalars;

impl Lanes for Scalars {
    const OUTPUTS: usize = OUTPUTS;
    const ROWS: usize = 4;
    const OFFSET: i32 = 0;

    /// Widened once per tile.
    type Weights = [[i16; GROUP]; OUTPUTS];
    type Sums = [i32; OUTPUTS];

    #[inline(always)]
    fn zero() -> Self::Sums {
        [0; OUTPUTS]
    }

    #[inline(always)]
    fn load(step: &[i8; STEP], output: usize) -> Self::Weights {
        let weights = &step.as_chunks::<GROUP>().0[output..output + OUTPUTS];
        let mut widened = [[0; GROUP]; OUTPUTS];
        for output in 0..OUTPUTS {
            for input in 0..GROUP {
                widened[output][input] = i16::from(weights[output][input]);
            }
        }
        widened
    }

    #[inline(always)]
    fn accumulate(mut sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        for output in 0..OUTPUTS {
            for input in 0..GROUP {
                // Two bytes' product fits, as an activation is never −128.
                let product = weights[output][input] * i16::from(group[input].cast_signed());
                sums[output] += i32::from(product);
            }
        }
        sums
    }

    #[inline(always)]
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        to[..OUTPUTS].copy_from_slice(&sums);
    }
}
