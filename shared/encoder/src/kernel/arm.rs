//! The vector operations of AArch64 with the dot-product extension, which every Graviton since the second has.
#![expect(unsafe_code, reason = "vector instructions exist only on processors that have them")]

use std::arch::{
    aarch64::{int8x16_t, int32x4_t, vdupq_n_s32, vld1q_s8, vreinterpretq_s8_s32, vst1q_s32},
    asm, is_aarch64_feature_detected,
};

use super::{
    GROUP, Job, Kernel, PANEL, Supported,
    tile::{Lanes, STEP},
};

pub(super) fn has_dot_product() -> bool {
    is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod")
}

pub(super) fn run_dot_product<J: Job>(supported: Supported, job: J) -> J::Output {
    #[target_feature(enable = "neon,dotprod")]
    fn compiled<J: Job>(job: J) -> J::Output {
        job.run::<NeonDotProduct>()
    }
    assert_eq!(supported.kernel(), Kernel::NeonDotProduct);
    // SAFETY: a `Supported` NeonDotProduct exists only where `has_dot_product` holds.
    unsafe { compiled(job) }
}

/// Sixteen outputs in four registers. Private to this module and used only by [`run_dot_product`], so its
/// operations run only where the instructions exist: that is what the SAFETY comments refer to.
struct NeonDotProduct;

impl Lanes for NeonDotProduct {
    const OUTPUTS: usize = 16;
    const ROWS: usize = 6;
    const OFFSET: i32 = 0;

    type Weights = [int8x16_t; 4];
    type Sums = [int32x4_t; 4];

    #[inline(always)]
    fn zero() -> Self::Sums {
        // SAFETY: NEON is there.
        unsafe { [vdupq_n_s32(0); 4] }
    }

    #[inline(always)]
    fn load(step: &[i8; STEP], output: usize) -> Self::Weights {
        let eighths = &step.as_chunks::<16>().0[output / 4..output / 4 + 4];
        // SAFETY: NEON is there, and each eighth has the 16 bytes that are read.
        std::array::from_fn(|register| unsafe { vld1q_s8(eighths[register].as_ptr()) })
    }

    #[inline(always)]
    fn accumulate(mut sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        // SAFETY: NEON is there.
        let group = unsafe { vreinterpretq_s8_s32(vdupq_n_s32(i32::from_le_bytes(group))) };
        for (sum, weights) in sums.iter_mut().zip(weights) {
            *sum = dot_product(*sum, weights, group);
        }
        sums
    }

    #[inline(always)]
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        for (to, sums) in to.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
            // SAFETY: NEON is there, and there is room for the four numbers that are written.
            unsafe { vst1q_s32(to.as_mut_ptr(), sums) };
        }
    }
}

/// `sdot`: to each lane of `sums` the dot product of the four signed bytes in that lane. Spelt in assembly because
/// the intrinsic is not stable yet.
#[inline(always)]
fn dot_product(mut sums: int32x4_t, weights: int8x16_t, group: int8x16_t) -> int32x4_t {
    // SAFETY: the dot-product extension is there; the instruction touches nothing but its registers.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sums:v}.4s, {weights:v}.16b, {group:v}.16b",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            group = in(vreg) group,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}
