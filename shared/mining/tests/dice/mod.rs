//! Numbers that look random and are always the same, for tests and measurements.

#![allow(dead_code, reason = "each of them needs a part of it")]

/// SplitMix64 (Steele et al. 2014), from any seed.
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of some values.
    pub fn one_of<'value>(&mut self, values: &[&'value str]) -> &'value str {
        values[self.below(values.len() as u64) as usize]
    }
}
