//! The vector operations of x86-64.
#![expect(unsafe_code, reason = "vector instructions exist only on processors that have them")]

use std::arch::x86_64::*;

use super::{
    GROUP, Job, Kernel, PANEL, Supported,
    tile::{Lanes, STEP},
};

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

pub(super) fn has_avx_vnni() -> bool {
    has_avx2() && is_x86_feature_detected!("avxvnni")
}

pub(super) fn has_avx512_vnni() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

pub(super) fn run_avx2<J: Job>(supported: Supported, job: J) -> J::Output {
    #[target_feature(enable = "avx2")]
    fn compiled<J: Job>(job: J) -> J::Output {
        job.run::<Avx2>()
    }
    assert_eq!(supported.kernel(), Kernel::Avx2);
    // SAFETY: a `Supported` Avx2 exists only where `has_avx2` holds.
    unsafe { compiled(job) }
}

pub(super) fn run_avx_vnni<J: Job>(supported: Supported, job: J) -> J::Output {
    #[target_feature(enable = "avx2,avxvnni")]
    fn compiled<J: Job>(job: J) -> J::Output {
        job.run::<AvxVnni>()
    }
    assert_eq!(supported.kernel(), Kernel::AvxVnni);
    // SAFETY: a `Supported` AvxVnni exists only where `has_avx_vnni` holds.
    unsafe { compiled(job) }
}

pub(super) fn run_avx512_vnni<J: Job>(supported: Supported, job: J) -> J::Output {
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn compiled<J: Job>(job: J) -> J::Output {
        job.run::<Avx512Vnni>()
    }
    assert_eq!(supported.kernel(), Kernel::Avx512Vnni);
    // SAFETY: a `Supported` Avx512Vnni exists only where `has_avx512_vnni` holds.
    unsafe { compiled(job) }
}

// The three types below are private to this module and used only by the functions above, so every one of their
// operations runs where its instructions are known to exist. That is what each SAFETY comment refers to.

/// Sixteen outputs in two registers; `maddubs` of magnitudes, the activation's sign moved to the weight. No pair
/// of products leaves 16 bits, as neither side reaches −128: 2 · 127 · 127 = 32,258.
struct Avx2;

impl Lanes for Avx2 {
    const OUTPUTS: usize = 16;
    const ROWS: usize = 4;
    const OFFSET: i32 = 0;

    type Weights = [__m256i; 2];
    type Sums = [__m256i; 2];

    #[inline(always)]
    fn zero() -> Self::Sums {
        zero_256()
    }

    #[inline(always)]
    fn load(step: &[i8; STEP], output: usize) -> Self::Weights {
        load_256(step, output)
    }

    #[inline(always)]
    fn accumulate(sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        // SAFETY: AVX2 is there.
        unsafe {
            let group = _mm256_set1_epi32(i32::from_le_bytes(group));
            let magnitudes = _mm256_abs_epi8(group);
            let ones = _mm256_set1_epi16(1);
            let first = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(weights[0], group));
            let second = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(weights[1], group));
            [
                _mm256_add_epi32(sums[0], _mm256_madd_epi16(first, ones)),
                _mm256_add_epi32(sums[1], _mm256_madd_epi16(second, ones)),
            ]
        }
    }

    #[inline(always)]
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        store_256(sums, to);
    }
}

/// Sixteen outputs in two registers of 256 bits.
struct AvxVnni;

impl Lanes for AvxVnni {
    const OUTPUTS: usize = 16;
    const ROWS: usize = 6;
    const OFFSET: i32 = 128;

    type Weights = [__m256i; 2];
    type Sums = [__m256i; 2];

    #[inline(always)]
    fn zero() -> Self::Sums {
        zero_256()
    }

    #[inline(always)]
    fn load(step: &[i8; STEP], output: usize) -> Self::Weights {
        load_256(step, output)
    }

    #[inline(always)]
    fn accumulate(sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        // SAFETY: AVX-VNNI is there.
        unsafe {
            let group = _mm256_set1_epi32(i32::from_le_bytes(group));
            [_mm256_dpbusd_avx_epi32(sums[0], group, weights[0]), _mm256_dpbusd_avx_epi32(sums[1], group, weights[1])]
        }
    }

    #[inline(always)]
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        store_256(sums, to);
    }
}

/// A whole panel in two registers of 512 bits.
struct Avx512Vnni;

impl Lanes for Avx512Vnni {
    const OUTPUTS: usize = 32;
    const ROWS: usize = 12;
    const OFFSET: i32 = 128;

    type Weights = [__m512i; 2];
    type Sums = [__m512i; 2];

    #[inline(always)]
    fn zero() -> Self::Sums {
        // SAFETY: AVX-512 is there.
        unsafe { [_mm512_setzero_si512(); 2] }
    }

    #[inline(always)]
    fn load(step: &[i8; STEP], _output: usize) -> Self::Weights {
        let halves = step.as_chunks::<64>().0;
        // SAFETY: AVX-512 is there, and each half has the 64 bytes that are read.
        unsafe { [_mm512_loadu_si512(halves[0].as_ptr().cast()), _mm512_loadu_si512(halves[1].as_ptr().cast())] }
    }

    #[inline(always)]
    fn accumulate(sums: Self::Sums, weights: Self::Weights, group: [u8; GROUP]) -> Self::Sums {
        // SAFETY: AVX-512 VNNI is there.
        unsafe {
            let group = _mm512_set1_epi32(i32::from_le_bytes(group));
            [_mm512_dpbusd_epi32(sums[0], group, weights[0]), _mm512_dpbusd_epi32(sums[1], group, weights[1])]
        }
    }

    #[inline(always)]
    fn store(sums: Self::Sums, to: &mut [i32; PANEL]) {
        let halves = to.as_chunks_mut::<16>().0;
        // SAFETY: AVX-512 is there, and each half has room for the 16 numbers that are written.
        unsafe {
            _mm512_storeu_si512(halves[0].as_mut_ptr().cast(), sums[0]);
            _mm512_storeu_si512(halves[1].as_mut_ptr().cast(), sums[1]);
        }
    }
}

#[inline(always)]
fn zero_256() -> [__m256i; 2] {
    // SAFETY: AVX2 is there.
    unsafe { [_mm256_setzero_si256(); 2] }
}

#[inline(always)]
fn load_256(step: &[i8; STEP], output: usize) -> [__m256i; 2] {
    let quarters = &step.as_chunks::<32>().0[output / 8..output / 8 + 2];
    // SAFETY: AVX2 is there, and each quarter has the 32 bytes that are read.
    unsafe { [_mm256_loadu_si256(quarters[0].as_ptr().cast()), _mm256_loadu_si256(quarters[1].as_ptr().cast())] }
}

#[inline(always)]
fn store_256(sums: [__m256i; 2], to: &mut [i32; PANEL]) {
    let quarters = to.as_chunks_mut::<8>().0;
    // SAFETY: AVX2 is there, and each quarter has room for the 8 numbers that are written.
    unsafe {
        _mm256_storeu_si256(quarters[0].as_mut_ptr().cast(), sums[0]);
        _mm256_storeu_si256(quarters[1].as_mut_ptr().cast(), sums[1]);
    }
}
