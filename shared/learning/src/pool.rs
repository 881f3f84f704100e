//! What several texts that say something of one thing are worth together, and the best of many things.

/// Texts that count.
const POOLED: usize = 3;
/// Sharpness of the pooling; the pool of n equal cosines exceeds one of them by ln n / 30. Chosen on Banking77's training
/// rows and a second set with intents as passages.
const SHARPNESS: f32 = 30.0;

/// The greatest cosines of a thing's texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool([f32; POOLED]);

impl Pool {
    pub(crate) const EMPTY: Self = Self([f32::NEG_INFINITY; POOLED]);

    /// Takes a text's cosine in.
    pub(crate) fn take(&mut self, cosine: f32) {
        let mut cosine = cosine;
        for place in &mut self.0 {
            if cosine > *place {
                std::mem::swap(place, &mut cosine);
            }
        }
    }

    /// The logarithm of the summed exponentials, sharpened: a little above the greatest; 0 where there is no text.
    pub(crate) fn worth(&self) -> f32 {
        let greatest = self.0[0];
        if greatest == f32::NEG_INFINITY {
            return 0.0;
        }
        let rest: f32 = self.0[1..].iter().map(|cosine| libm::expf(SHARPNESS * (cosine - greatest))).sum();
        greatest + libm::log1pf(rest) / SHARPNESS
    }

    /// What the pool is worth at most, without a logarithm.
    pub(crate) fn most(&self) -> f32 {
        // The logarithm of POOLED for as many cosines equal to the greatest, and a little for what rounding may add.
        const MOST_ABOVE: f32 = (std::f32::consts::LN_10 / 2.0) / SHARPNESS;
        const { assert!(POOLED == 3, "half the logarithm of ten is a little more than that of three") };
        if self.0[0] == f32::NEG_INFINITY { 0.0 } else { self.0[0] + MOST_ABOVE }
    }
}

/// The items of the greatest scores above zero, the greatest first and of equals the first.
pub(crate) struct Best<T> {
    limit: usize,
    /// With their scores.
    kept: Vec<(f32, T)>,
}

impl<T> Best<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::with_capacity(limit + 1) }
    }

    /// What a score must exceed to be kept.
    pub(crate) fn least(&self) -> f32 {
        if self.kept.len() < self.limit { 0.0 } else { self.kept.last().map_or(f32::INFINITY, |(score, _)| *score) }
    }

    pub(crate) fn offer(&mut self, score: f32, item: T) {
        if score > self.least() {
            let at = self.kept.partition_point(|(better, _)| *better >= score);
            self.kept.insert(at, (score, item));
            self.kept.truncate(self.limit);
        }
    }

    pub(crate) fn into_items(self) -> Vec<T> {
        self.kept.into_iter().map(|(_, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn several_texts_are_worth_a_little_more_than_the_best_of_them() {
        let worth = |cosines: &[f32]| {
            let mut pool = Pool::EMPTY;
            cosines.iter().for_each(|cosine| pool.take(*cosine));
            pool.worth()
        };
        assert_eq!(worth(&[]), 0.0);
        assert_eq!(worth(&[0.5]), 0.5);
        assert!((worth(&[0.5, 0.5, 0.5, 0.5]) - 0.5 - 3_f32.ln() / 30.0).abs() < 1e-6);
        assert!(worth(&[0.1, 0.8, 0.2]) < 0.801);
    }

    proptest! {
        #[test]
        fn a_pool_is_never_worth_more_than_its_bound(
            cosines in prop::collection::vec(prop_oneof![-1.1_f32..1.1, Just(0.5)], 0..6),
        ) {
            let mut pool = Pool::EMPTY;
            cosines.iter().for_each(|cosine| pool.take(*cosine));
            prop_assert!(pool.worth() <= pool.most());
        }

        #[test]
        fn the_best_are_those_a_full_sort_would_give(
            scores in prop::collection::vec(-1.0_f32..1.0, 0..40),
            limit in 0_usize..6,
        ) {
            let mut sorted: Vec<f32> = scores.iter().copied().filter(|score| *score > 0.0).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.truncate(limit);
            let mut best = Best::new(limit);
            scores.into_iter().for_each(|score| best.offer(score, score));
            prop_assert_eq!(best.into_items(), sorted);
        }
    }
}
