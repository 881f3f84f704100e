//! Which instructions do the work, chosen once by what the processor has.
//!
//! Nine tenths of an encoding are dot products of bytes. Their sums are exact integers, so every kernel gives the
//! same ones; all other arithmetic is written once, in an order that does not depend on how wide the registers are.
//! **So an encoding has the same bits whichever kernel made it.**
//!
//! Weights are packed in panels of [`PANEL`] outputs: for each group of [`GROUP`] inputs the panel holds the group's
//! weights of its first output, then of its second, and so on. A vector register of weights so covers neighbouring
//! outputs and meets one group of activations, repeated in each lane.

#[cfg(target_arch = "aarch64")]
mod arm;
mod portable;
pub(crate) mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

use tile::Lanes;

/// Outputs of a panel of packed weights. Divides the width of every dense block.
pub(crate) const PANEL: usize = 32;
/// Inputs whose weights lie side by side: what one dot-product instruction adds up per lane.
pub(crate) const GROUP: usize = 4;

/// A set of instructions to encode with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, on any processor.
    Portable,
    /// x86-64 with 256-bit integers.
    Avx2,
    /// x86-64 with 256-bit dot products of bytes.
    AvxVnni,
    /// x86-64 with 512-bit dot products of bytes.
    Avx512Vnni,
    /// AArch64 with dot products of bytes.
    NeonDotProduct,
}

impl Kernel {
    /// All kernels, slowest first.
    pub const ALL: [Self; 5] = [Self::Portable, Self::Avx2, Self::AvxVnni, Self::Avx512Vnni, Self::NeonDotProduct];

    /// The fastest kernel this processor runs.
    pub fn detected() -> Self {
        Supported::detected().kernel()
    }

    /// Whether this processor has the instructions.
    pub fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => x86::has_avx_vnni(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => x86::has_avx512_vnni(),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotProduct => arm::has_dot_product(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::AvxVnni | Self::Avx512Vnni => false,
            #[cfg(not(target_arch = "aarch64"))]
            Self::NeonDotProduct => false,
        }
    }
}

/// A kernel whose instructions the processor has: the proof that running it is sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Supported(Kernel);

impl Supported {
    /// The fastest there is.
    pub(crate) fn detected() -> Self {
        Kernel::ALL.into_iter().rev().find_map(Self::new).unwrap_or(Self(Kernel::Portable))
    }

    pub(crate) fn new(kernel: Kernel) -> Option<Self> {
        kernel.is_supported().then_some(Self(kernel))
    }

    pub(crate) fn kernel(self) -> Kernel {
        self.0
    }

    /// Runs a job compiled for this kernel.
    pub(crate) fn run<J: Job>(self, job: J) -> J::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => x86::run_avx2(self, job),
            #[cfg(target_arch = "x86_64")]
            Kernel::AvxVnni => x86::run_avx_vnni(self, job),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512Vnni => x86::run_avx512_vnni(self, job),
            #[cfg(target_arch = "aarch64")]
            Kernel::NeonDotProduct => arm::run_dot_product(self, job),
            _ => job.run::<portable::Scalars>(),
        }
    }
}

/// Work that is compiled once for each kernel. `run` and all it calls in its loops must be `#[inline(always)]`: only
/// what is inlined is compiled for the kernel's instructions.
pub(crate) trait Job {
    type Output;

    fn run<L: Lanes>(self) -> Self::Output;
}

#[cfg(test)]
mod tests;
