//! Dense blocks on bytes: activations times packed weights.
//!
//! One piece of logic serves all kernels; what differs is a handful of vector operations, [`Lanes`]. The portable
//! implementation of those is therefore also the emulation that the others are tested against.

use super::{GROUP, PANEL};
use crate::arithmetic::Grid;

/// Bytes of a panel for one group of inputs.
pub(crate) const STEP: usize = PANEL * GROUP;

/// The vector operations of a kernel.
pub(crate) trait Lanes {
    /// Outputs summed at a time; divides [`PANEL`].
    const OUTPUTS: usize;
    /// Rows of activations summed at a time, at most [`MAX_ROWS`]: as many as keep their sums in registers.
    const ROWS: usize;
    /// What is added to each activation, as some instructions want unsigned bytes: 0 or 128.
    const OFFSET: i32;

    /// A weight per input of a group and output.
    type Weights: Copy;
    /// A sum per output.
    type Sums: Copy;

    fn zero() -> Self::Sums;
    /// The weights of the outputs from `output`, a multiple of `OUTPUTS`.
    fn load(step: &[i8; STEP], output: usize) -> Self::Weights;
    /// Adds the dot product of each output's weights with a group of activations.
    fn accumulate(sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums;
    /// Writes the first `OUTPUTS` numbers.
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]);
}

/// Largest [`Lanes::ROWS`].
pub(crate) const MAX_ROWS: usize = 12;

/// A dense block: y = scale · (W x) + bias, W of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dense<'package> {
    /// Packed, see [`crate::kernel`].
    pub weights: &'package [i8],
    /// Per output: what a unit of weight stands for.
    pub scales: &'package [f32],
    /// Per output: the sum of its weights, to take out what was added to the activations.
    pub sums: &'package [i32],
    /// Per output.
    pub biases: &'package [f32],
}

/// Activations as bytes: rows of `inputs` bytes, each with the kernel's offset added, and what they stand for, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activations<'scratch> {
    pub inputs: usize,
    pub bytes: &'scratch [u8],
    pub grids: &'scratch [Grid],
}

/// Writes a row of outputs per row of activations.
#[inline(always)]
pub(crate) fn apply<L: Lanes>(dense: &Dense<'_>, activations: Activations<'_>, outputs: &mut [f32]) {
    let rows = activations.grids.len();
    let width = dense.biases.len();
    let panels = dense.weights.chunks_exact(PANEL * activations.inputs);
    // Made once: to fill it with zeros for each tile would cost a tenth of the time of a short sentence.
    let mut sums = [[0; PANEL]; MAX_ROWS];
    for (panel, first) in panels.zip((0..width).step_by(PANEL)) {
        let panel = panel.as_chunks::<STEP>().0;
        for within in (0..PANEL).step_by(L::OUTPUTS) {
            let columns = first + within..first + within + L::OUTPUTS;
            // Tiles of nearly equal height: 25 rows are better cut into 9, 8 and 8 than into 12, 12 and 1.
            let tiles = rows.div_ceil(L::ROWS);
            for tile in 0..tiles {
                let (start, end) = (rows * tile / tiles, rows * (tile + 1) / tiles);
                sum::<L>(panel, within, activations, start..end, &mut sums);
                for (row, sums) in (start..end).zip(&sums) {
                    let outputs = &mut outputs[row * width..][columns.clone()];
                    scale::<L>(dense, columns.start, activations.grids[row], sums, outputs);
                }
            }
        }
    }
}

#[inline(always)]
fn scale<L: Lanes>(dense: &Dense<'_>, first: usize, grid: Grid, sums: &[i32; PANEL], outputs: &mut [f32]) {
    let scales = &dense.scales[first..][..L::OUTPUTS];
    let offsets = &dense.sums[first..][..L::OUTPUTS];
    let biases = &dense.biases[first..][..L::OUTPUTS];
    let outputs = &mut outputs[..L::OUTPUTS];
    let shift = L::OFFSET - grid.centre;
    for lane in 0..L::OUTPUTS {
        let exact = sums[lane].wrapping_sub(offsets[lane].wrapping_mul(shift));
        outputs[lane] = exact as f32 * (grid.unit * scales[lane]) + biases[lane];
    }
}

/// Picks the tile of the wanted height: only a height known to the compiler keeps the sums in registers.
#[inline(always)]
fn sum<L: Lanes>(
    panel: &[[i8; STEP]],
    output: usize,
    activations: Activations<'_>,
    rows: std::ops::Range<usize>,
    sums: &mut [[i32; PANEL]; MAX_ROWS],
) {
    macro_rules! heights {
        ($($height:literal)*) => {
            match rows.len() {
                $($height if $height <= L::ROWS => {
                    sum_rows::<L, $height>(panel, output, activations, rows.start, sums);
                })*
                height => unreachable!("a tile of {height} rows"),
            }
        };
    }
    heights!(1 2 3 4 5 6 7 8 9 10 11 12);
}

#[inline(always)]
fn sum_rows<L: Lanes, const ROWS: usize>(
    panel: &[[i8; STEP]],
    output: usize,
    activations: Activations<'_>,
    first: usize,
    sums: &mut [[i32; PANEL]; MAX_ROWS],
) {
    let mut rows: [&[[u8; GROUP]]; ROWS] = [&[]; ROWS];
    for (row, groups) in (first..).zip(&mut rows) {
        let bytes = &activations.bytes[row * activations.inputs..][..activations.inputs];
        *groups = &bytes.as_chunks::<GROUP>().0[..panel.len()];
    }
    let mut running = [L::zero(); ROWS];
    for step in 0..panel.len() {
        let weights = L::load(&panel[step], output);
        for row in 0..ROWS {
            running[row] = L::accumulate(running[row], weights, rows[row][step]);
        }
    }
    for row in 0..ROWS {
        L::store(running[row], &mut sums[row]);
    }
}
