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
}

/// The items of the greatest scores above zero, the greatest first and of equals the first.
pub(crate) fn best<T>(items: impl Iterator<Item = T>, limit: usize, score: impl Fn(&T) -> f32) -> Vec<T> {
    let mut best: Vec<T> = Vec::with_capacity(limit + 1);
    for item in items {
        let of_item = score(&item);
        let full = best.len() == limit;
        if of_item <= 0.0 || (full && best.last().is_none_or(|last| of_item <= score(last))) {
            continue;
        }
        let at = best.partition_point(|better| score(better) >= of_item);
        best.insert(at, item);
        best.truncate(limit);
    }
    best
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
        fn the_best_are_those_a_full_sort_would_give(
            scores in prop::collection::vec(-1.0_f32..1.0, 0..40),
            limit in 0_usize..6,
        ) {
            let mut sorted: Vec<f32> = scores.iter().copied().filter(|score| *score > 0.0).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.truncate(limit);
            prop_assert_eq!(best(scores.into_iter(), limit, |score| *score), sorted);
        }
    }
}
