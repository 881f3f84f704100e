//! How often a tenant's messages have each level, learnt from messages that nobody labelled.
//!
//! A classifier's probabilities hold where its rows came from. Elsewhere the shares of the classes differ, and Bayes'
//! rule says how to correct for it: multiply by the ratio of the shares and scale to one. The shares themselves come
//! from the uncorrected probabilities by expectation maximisation (Saerens, Latinne & Decaestecker 2002).
//!
//! A few messages prove little, so the shipped shares count as [`PSEUDO_MESSAGES`] more of them, and no share moves
//! further than [`GREATEST_RATIO`] from where it was: a week of complaints must not make praise unthinkable.

use serde::{Deserialize, Serialize};

use super::{LEVELS, LevelProbabilities};

/// Messages that are read; those after them change nothing.
pub const MAX_MESSAGES: usize = 20_000;
/// What the shipped shares weigh beside a tenant's messages.
pub const PSEUDO_MESSAGES: f64 = 200.0;
/// How many times greater or smaller than shipped a share may become, before all are scaled to add up to 1.
pub const GREATEST_RATIO: f64 = 6.0;

const MAX_ITERATIONS: usize = 200;
/// When no share moves by more, the work is done.
const PRECISION: f64 = 1e-7;
/// A level is never impossible.
const SMALLEST_SHARE: f32 = 1e-3;

/// Shares of the levels at a tenant, beside those the head learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SentimentPrior {
    shipped: [f32; LEVELS],
    shares: [f32; LEVELS],
}

impl SentimentPrior {
    /// Nothing is known of the tenant yet: the shares the head learnt from, from the worst level to the best.
    pub(super) fn of_shares(shares: [f32; LEVELS]) -> Self {
        Self { shipped: shares, shares }
    }

    /// The shares, from the worst level to the best; they add up to 1.
    #[must_use]
    pub const fn shares(&self) -> &[f32; LEVELS] {
        &self.shares
    }

    /// Learns the shares anew from what the head said, uncorrected, of a tenant's messages
    /// ([`super::Impression::levels`]). The first [`MAX_MESSAGES`] count; without any the shares are the shipped ones. The order of the messages moves a
    /// share by no more than rounding does.
    #[must_use]
    pub fn estimate(&self, raw: impl IntoIterator<Item = LevelProbabilities>) -> Self {
        let messages: Vec<[f64; LEVELS]> = raw
            .into_iter()
            .take(MAX_MESSAGES)
            .filter(|message| message.0.iter().all(|share| share.is_finite() && *share >= 0.0))
            .map(|message| message.0.map(f64::from))
            .collect();
        let shipped = positive(&self.shipped).map(f64::from);
        let mut shares = shipped;
        for _ in 0..MAX_ITERATIONS {
            let mut expected = shipped.map(|share| share * PSEUDO_MESSAGES);
            for message in &messages {
                let corrected: [f64; LEVELS] =
                    std::array::from_fn(|level| message[level] * shares[level] / shipped[level]);
                let sum: f64 = corrected.iter().sum();
                if sum > 0.0 {
                    expected.iter_mut().zip(corrected).for_each(|(expected, value)| *expected += value / sum);
                }
            }
            let next = bounded(&expected, &shipped);
            let moved = next.iter().zip(&shares).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            shares = next;
            if moved < PRECISION {
                break;
            }
        }
        Self { shipped: self.shipped, shares: shares.map(|share| share as f32) }
    }

    /// The probabilities where these shares hold.
    #[must_use]
    pub fn adjust(&self, raw: &LevelProbabilities) -> LevelProbabilities {
        let (shares, shipped) = (positive(&self.shares), positive(&self.shipped));
        let corrected: [f32; LEVELS] = std::array::from_fn(|level| raw.0[level] * shares[level] / shipped[level]);
        let sum: f32 = corrected.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return *raw;
        }
        LevelProbabilities(corrected.map(|value| value / sum))
    }
}

/// Shares as they were stored may be anything; none may divide by zero.
fn positive(shares: &[f32; LEVELS]) -> [f32; LEVELS] {
    shares.map(|share| if share.is_finite() { share.clamp(SMALLEST_SHARE, 1.0) } else { SMALLEST_SHARE })
}

/// Expected messages of each level as shares, each within reach of the shipped one.
fn bounded(expected: &[f64; LEVELS], shipped: &[f64; LEVELS]) -> [f64; LEVELS] {
    let total: f64 = expected.iter().sum();
    let within: [f64; LEVELS] = std::array::from_fn(|level| {
        (expected[level] / total).clamp(shipped[level] / GREATEST_RATIO, shipped[level] * GREATEST_RATIO)
    });
    let total: f64 = within.iter().sum();
    within.map(|share| share / total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHIPPED: [f32; LEVELS] = [0.1, 0.1, 0.4, 0.2, 0.2];

    fn shipped() -> SentimentPrior {
        SentimentPrior::of_shares(SHIPPED)
    }

    /// What a head that mistakes one message in five says of a message of this level.
    fn said_of(level: usize) -> LevelProbabilities {
        let likelihood: [f32; LEVELS] = std::array::from_fn(|at| if at == level { 0.8 } else { 0.05 });
        let joint: [f32; LEVELS] = std::array::from_fn(|at| likelihood[at] * SHIPPED[at]);
        let sum: f32 = joint.iter().sum();
        LevelProbabilities(joint.map(|value| value / sum))
    }

    /// Messages of which the head mistakes one in five, evenly.
    fn messages(counts: [usize; LEVELS]) -> Vec<LevelProbabilities> {
        let of_level = |level: usize| {
            (0..counts[level]).map(move |at| said_of(if at % 20 < 16 { level } else { (level + 1 + at % 4) % LEVELS }))
        };
        (0..LEVELS).flat_map(of_level).collect()
    }

    #[test]
    fn a_tenant_of_complaints_is_recognised_without_a_label() {
        let prior = shipped().estimate(messages([1_000, 3_000, 600, 200, 200]));
        assert!((prior.shares()[1] - 0.6).abs() < 0.05, "{:?}", prior.shares());
        let doubtful = LevelProbabilities([0.1, 0.35, 0.45, 0.05, 0.05]);
        assert!(prior.adjust(&doubtful).0[1] > 0.45);
    }

    #[test]
    fn a_few_messages_change_little() {
        let prior = shipped().estimate(messages([0, 5, 0, 0, 0]));
        assert!((prior.shares()[1] - SHIPPED[1]).abs() < 0.05);
        assert_eq!(
            shipped().estimate([]).shares().map(|share| (share * 1e5).round()),
            SHIPPED.map(|s| (s * 1e5).round())
        );
    }

    #[test]
    fn no_level_becomes_impossible() {
        let prior = shipped().estimate(vec![LevelProbabilities([1.0, 0.0, 0.0, 0.0, 0.0]); MAX_MESSAGES + 1]);
        assert!(prior.shares().iter().all(|share| *share > 0.01), "{:?}", prior.shares());
    }

    #[test]
    fn a_stored_prior_that_makes_no_sense_is_harmless() {
        let odd = SentimentPrior { shipped: [0.0; LEVELS], shares: [f32::NAN; LEVELS] };
        assert!(odd.adjust(&LevelProbabilities([0.2; LEVELS])).0.iter().all(|share| share.is_finite()));
        assert!(odd.estimate([LevelProbabilities([0.2; LEVELS])]).shares().iter().all(|share| share.is_finite()));
    }

    proptest! {
        #[test]
        fn shares_and_probabilities_always_add_up(
            raw in prop::collection::vec(prop::array::uniform5(0.0_f32..1.0), 0..50),
        ) {
            let raw: Vec<_> = raw.into_iter().map(LevelProbabilities).collect();
            let prior = shipped().estimate(raw.iter().copied());
            prop_assert!((prior.shares().iter().sum::<f32>() - 1.0).abs() < 1e-4);
            for message in raw {
                let adjusted = prior.adjust(&message);
                prop_assert!((adjusted.0.iter().sum::<f32>() - 1.0).abs() < 1e-4 || adjusted == message);
            }
        }
    }
}
