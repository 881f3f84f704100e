//! Every kernel gives the portable one's bits, whatever the tile.

use proptest::prelude::*;

use super::{
    GROUP, Job, Kernel, PANEL, Supported,
    tile::{Activations, Dense, Lanes, STEP, apply},
};
use crate::arithmetic::Grid;

/// The shape of the AArch64 kernel (four registers of four sums, tiles of six rows) in plain Rust, so that its way
/// through the tile logic is tested on every machine.
struct EmulatedNeon;

impl Lanes for EmulatedNeon {
    const OUTPUTS: usize = 16;
    const ROWS: usize = 6;
    const OFFSET: i32 = 0;

    type Weights = [[i8; 16]; 4];
    type Sums = [[i32; 4]; 4];

    fn zero() -> Self::Sums {
        [[0; 4]; 4]
    }

    fn load(step: &[i8; STEP], output: usize) -> Self::Weights {
        std::array::from_fn(|register| step.as_chunks::<16>().0[output / 4 + register])
    }

    fn accumulate(mut sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<GROUP>().0) {
                *sum += weights
                    .iter()
                    .zip(group)
                    .map(|(&weight, byte)| i32::from(weight) * i32::from(byte as i8))
                    .sum::<i32>();
            }
        }
        sums
    }

    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        to[..16].copy_from_slice(sums.as_flattened());
    }
}

/// A dense block and what goes into it.
#[derive(Debug, Clone)]
struct Case {
    inputs: usize,
    outputs: usize,
    weights: Vec<i8>,
    activations: Vec<i8>,
}

impl Case {
    fn rows(&self) -> usize {
        self.activations.len() / self.inputs
    }

    /// What the kernels should give: integer sums, then the same three roundings.
    fn expected(&self) -> Vec<u32> {
        let rows = self.activations.chunks_exact(self.inputs).enumerate();
        let outputs = rows.flat_map(|(row, activations)| {
            self.weights.chunks_exact(self.inputs).enumerate().map(move |(output, weights)| {
                let Grid { unit, centre } = grid(row);
                let products = activations
                    .iter()
                    .zip(weights)
                    .map(|(&left, &right)| (i32::from(left) + centre) * i32::from(right));
                products.sum::<i32>() as f32 * (unit * output_scale(output)) + bias(output)
            })
        });
        outputs.map(f32::to_bits).collect()
    }
}

fn grid(row: usize) -> Grid {
    Grid { unit: 0.013 + row as f32 * 0.001, centre: (row as i32 * 37) % 255 - 127 }
}

fn output_scale(output: usize) -> f32 {
    0.0007 * (output + 1) as f32
}

fn bias(output: usize) -> f32 {
    output as f32 * 0.37 - 5.0
}

impl Job for &Case {
    type Output = Vec<u32>;

    fn run<L: Lanes>(self) -> Vec<u32> {
        let rows: Vec<(Vec<i8>, f32)> = self.weights.chunks_exact(self.inputs).map(|row| (row.to_vec(), 0.0)).collect();
        let packed: Vec<i8> = crate::quantise::pack(&rows, self.inputs).into_iter().map(u8::cast_signed).collect();
        let sums: Vec<i32> = rows.iter().map(|(row, _)| row.iter().map(|&weight| i32::from(weight)).sum()).collect();
        let scales: Vec<f32> = (0..self.outputs).map(output_scale).collect();
        let biases: Vec<f32> = (0..self.outputs).map(bias).collect();
        let bytes: Vec<u8> = self.activations.iter().map(|&value| (i32::from(value) + L::OFFSET) as u8).collect();
        let grids: Vec<Grid> = (0..self.rows()).map(grid).collect();
        let dense = Dense { weights: &packed, scales: &scales, sums: &sums, biases: &biases };
        let mut outputs = vec![0.0; self.rows() * self.outputs];
        apply::<L>(&dense, Activations { inputs: self.inputs, bytes: &bytes, grids: &grids }, &mut outputs);
        outputs.into_iter().map(f32::to_bits).collect()
    }
}

fn case() -> impl Strategy<Value = Case> {
    (1..6_usize, 1..4_usize, 1..28_usize).prop_flat_map(|(groups, panels, rows)| {
        let (inputs, outputs) = (groups * 16, panels * PANEL);
        let bytes = |length| prop::collection::vec(prop_oneof![Just(-127_i8), Just(127), -127..=127_i8], length);
        (bytes(inputs * outputs), bytes(rows * inputs)).prop_map(move |(weights, activations)| Case {
            inputs,
            outputs,
            weights,
            activations,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_kernel_gives_the_exact_sums(case in case()) {
        let expected = case.expected();
        prop_assert_eq!((&case).run::<EmulatedNeon>(), expected.clone());
        for kernel in Kernel::ALL {
            let Some(supported) = Supported::new(kernel) else { continue };
            prop_assert_eq!(supported.run(&case), expected.clone(), "{:?}", kernel);
        }
    }
}

#[test]
fn the_largest_sums_there_are_stay_exact() {
    let (inputs, outputs) = (1536, PANEL);
    let case = Case { inputs, outputs, weights: vec![-127; inputs * outputs], activations: vec![127; inputs] };
    for supported in Kernel::ALL.into_iter().filter_map(Supported::new) {
        assert_eq!(supported.run(&case), case.expected(), "{:?}", supported.kernel());
    }
}

#[test]
fn a_kernel_the_processor_lacks_is_refused() {
    assert_eq!(Supported::new(Kernel::Portable).map(Supported::kernel), Some(Kernel::Portable));
    for kernel in Kernel::ALL {
        assert_eq!(Supported::new(kernel).is_some(), kernel.is_supported());
    }
    assert!(Kernel::detected().is_supported());
}
