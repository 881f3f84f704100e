//! How good a model is, on rows it never saw.
//!
//! Every figure counts what a customer would have met: an in-scope message that was waved away as out of scope is
//! a wrong answer. Rates come with their counts, and with an interval, so that small hold-outs look small.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calibration::Tier;

/// Confusions that are listed.
pub const MAX_CONFUSIONS: usize = 20;
/// Bins of the calibration error.
pub const CALIBRATION_BINS: usize = 15;

/// Two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What a model said of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'labels> {
    /// The row's intent; `None` when it is labelled as out of scope.
    pub actual: Option<&'labels str>,
    /// The best intent, also where the row was judged out of scope.
    pub best: &'labels str,
    /// Whether the row was judged out of scope.
    pub out_of_scope: bool,
    /// Calibrated probability of `best`.
    pub confidence: f32,
    /// Probability of `best` before calibration.
    pub raw_confidence: f32,
    /// Which tier judged.
    pub tier: Tier,
}

impl<'labels> Outcome<'labels> {
    fn predicted(&self) -> Option<&'labels str> {
        (!self.out_of_scope).then_some(self.best)
    }
}

/// A share of counted cases, with its 95 % interval (Wilson 1927).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proportion {
    /// Cases that have the property.
    pub count: u64,
    /// Cases that could have it, at least 1.
    pub of: u64,
    /// `count` / `of`.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl Proportion {
    /// The share `count` of `of`; `None` of nothing.
    #[must_use]
    pub fn new(count: u64, of: u64) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let (n, value) = (of as f64, count as f64 / of as f64);
        let denominator = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / denominator;
        let spread = Z * f64::sqrt(value * (1.0 - value) / n + Z * Z / (4.0 * n * n)) / denominator;
        Some(Self {
            count,
            of,
            value,
            lower: (centre - spread).clamp(0.0, value),
            upper: (centre + spread).clamp(value, 1.0),
        })
    }
}

/// How well one intent is recognised among in-scope rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntentMetrics {
    /// The intent.
    pub intent: String,
    /// Rows of this intent.
    pub support: u64,
    /// Rows judged to be of this intent.
    pub predicted: u64,
    /// Share of `predicted` that is right; 0 when there are none.
    pub precision: f64,
    /// Share of `support` that was found.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// How often rows of one intent were taken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confusion {
    /// The rows' intent.
    pub actual: String,
    /// What they were taken for; `None` for out of scope.
    pub predicted: Option<String>,
    /// Rows.
    pub count: u64,
}

/// The measure of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// In-scope rows whose intent was found; one judged out of scope counts as missed.
    pub accuracy: Proportion,
    /// In-scope rows whose best intent is right, out of scope or not.
    pub best_intent_accuracy: Proportion,
    /// Mean F1 over the intents that have rows here.
    pub macro_f1: f64,
    /// Expected calibration error of the served confidence over in-scope rows, in 15 equal bins.
    pub calibration_error: f64,
    /// The same, of the confidence before calibration.
    pub calibration_error_before: f64,
    /// Out-of-scope rows recognised as such; `None` when no such row was held out.
    pub out_of_scope_recall: Option<Proportion>,
    /// In-scope rows judged out of scope.
    pub false_alarms: Proportion,
    /// In-scope rows that the fast tier answered alone.
    pub fast_share: Proportion,
    /// Every intent that has rows here, by name.
    pub intents: Vec<IntentMetrics>,
    /// The commonest mistakes on in-scope rows, at most 20, commonest first.
    pub confusions: Vec<Confusion>,
}

impl Evaluation {
    /// Measures outcomes; their order does not matter. `None` when not one of them is in scope.
    #[must_use]
    pub fn of(outcomes: &[Outcome<'_>]) -> Option<Self> {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        let mut mistakes: BTreeMap<(&str, Option<&str>), u64> = BTreeMap::new();
        let (mut right, mut best_right, mut false_alarms, mut fast, mut in_scope) = (0, 0, 0, 0, 0);
        let (mut strangers, mut recognised) = (0, 0);
        for outcome in outcomes {
            let Some(actual) = outcome.actual else {
                strangers += 1;
                recognised += u64::from(outcome.out_of_scope);
                continue;
            };
            let predicted = outcome.predicted();
            in_scope += 1;
            best_right += u64::from(outcome.best == actual);
            false_alarms += u64::from(outcome.out_of_scope);
            fast += u64::from(outcome.tier == Tier::Fast);
            tallies.entry(actual).or_default().support += 1;
            if let Some(predicted) = predicted {
                tallies.entry(predicted).or_default().predicted += 1;
            }
            if predicted == Some(actual) {
                right += 1;
                tallies.entry(actual).or_default().right += 1;
            } else {
                *mistakes.entry((actual, predicted)).or_default() += 1;
            }
        }
        let intents: Vec<IntentMetrics> = tallies
            .into_iter()
            .filter(|(_, tally)| tally.support > 0)
            .map(|(intent, tally)| tally.metrics(intent))
            .collect();
        Some(Self {
            accuracy: Proportion::new(right, in_scope)?,
            best_intent_accuracy: Proportion::new(best_right, in_scope)?,
            macro_f1: intents.iter().map(|intent| intent.f1).sum::<f64>() / intents.len() as f64,
            calibration_error: calibration_error(outcomes, |outcome| outcome.confidence),
            calibration_error_before: calibration_error(outcomes, |outcome| outcome.raw_confidence),
            out_of_scope_recall: Proportion::new(recognised, strangers),
            false_alarms: Proportion::new(false_alarms, in_scope)?,
            fast_share: Proportion::new(fast, in_scope)?,
            intents,
            confusions: commonest(mistakes),
        })
    }
}

#[derive(Default)]
struct Tally {
    support: u64,
    predicted: u64,
    right: u64,
}

impl Tally {
    fn metrics(&self, intent: &str) -> IntentMetrics {
        let share = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        IntentMetrics {
            intent: intent.to_owned(),
            support: self.support,
            predicted: self.predicted,
            precision: share(self.right, self.predicted),
            recall: share(self.right, self.support),
            f1: share(2 * self.right, self.support + self.predicted),
        }
    }
}

/// Commonest first; equally common ones by name.
fn commonest(mistakes: BTreeMap<(&str, Option<&str>), u64>) -> Vec<Confusion> {
    let mut mistakes: Vec<_> = mistakes.into_iter().collect();
    mistakes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    mistakes.truncate(MAX_CONFUSIONS);
    mistakes
        .into_iter()
        .map(|((actual, predicted), count)| Confusion {
            actual: actual.to_owned(),
            predicted: predicted.map(str::to_owned),
            count,
        })
        .collect()
}

/// Expected calibration error over in-scope rows: the mean gap, weighted by rows, between confidence and share of
/// right best intents in bins of equal width (Naeini et al. 2015). Confidences are summed in millionths, so the
/// order of rows cannot show.
fn calibration_error(outcomes: &[Outcome<'_>], confidence: fn(&Outcome<'_>) -> f32) -> f64 {
    const MILLIONTHS: f64 = 1e6;
    let mut bins = [(0_u64, 0_u64); CALIBRATION_BINS];
    let mut rows = 0_u64;
    for outcome in outcomes {
        let Some(actual) = outcome.actual else { continue };
        rows += 1;
        let confidence = f64::from(confidence(outcome)).clamp(0.0, 1.0);
        let bin = ((confidence * CALIBRATION_BINS as f64) as usize).min(CALIBRATION_BINS - 1);
        bins[bin].0 += (confidence * MILLIONTHS).round() as u64;
        bins[bin].1 += u64::from(outcome.best == actual);
    }
    let gaps = bins.iter().map(|(confidence, right)| (*confidence as f64 / MILLIONTHS - *right as f64).abs());
    gaps.sum::<f64>() / rows.max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome<'labels>(actual: Option<&'labels str>, best: &'labels str, out_of_scope: bool) -> Outcome<'labels> {
        Outcome { actual, best, out_of_scope, confidence: 0.9, raw_confidence: 0.6, tier: Tier::Full }
    }

    #[test]
    fn waving_a_customer_away_counts_as_a_wrong_answer() {
        let evaluation = Evaluation::of(&[
            outcome(Some("refund"), "refund", false),
            outcome(Some("refund"), "refund", true),
            outcome(Some("card"), "refund", false),
            outcome(Some("card"), "card", false),
            outcome(None, "card", true),
            outcome(None, "card", false),
        ])
        .unwrap();
        assert_eq!((evaluation.accuracy.count, evaluation.accuracy.of), (2, 4));
        assert_eq!(evaluation.best_intent_accuracy.count, 3);
        assert_eq!(evaluation.false_alarms.count, 1);
        assert_eq!(evaluation.out_of_scope_recall.unwrap().value, 0.5);
        let card = &evaluation.intents[0];
        assert_eq!((card.precision, card.recall, card.f1), (1.0, 0.5, 2.0 / 3.0));
        let refund = &evaluation.intents[1];
        assert_eq!((refund.precision, refund.recall, refund.f1), (0.5, 0.5, 0.5));
        assert!((evaluation.macro_f1 - 7.0 / 12.0).abs() < 1e-12);
        assert_eq!(
            evaluation.confusions,
            [
                Confusion { actual: "card".into(), predicted: Some("refund".into()), count: 1 },
                Confusion { actual: "refund".into(), predicted: None, count: 1 },
            ]
        );
    }

    #[test]
    fn the_calibration_error_is_the_gap_between_words_and_deeds() {
        let outcomes: Vec<_> = (0..10).map(|row| outcome(Some(if row < 9 { "a" } else { "b" }), "a", false)).collect();
        let evaluation = Evaluation::of(&outcomes).unwrap();
        assert!(evaluation.calibration_error < 1e-6);
        assert!((evaluation.calibration_error_before - 0.3).abs() < 1e-6);
    }

    #[test]
    fn nothing_in_scope_is_no_evaluation() {
        assert_eq!(Evaluation::of(&[outcome(None, "a", true)]), None);
        assert_eq!(Proportion::new(0, 0), None);
    }

    #[test]
    fn the_interval_is_wilsons() {
        let half = Proportion::new(5, 10).unwrap();
        assert!((half.lower - 0.2366).abs() < 1e-4 && (half.upper - 0.7634).abs() < 1e-4);
        let all = Proportion::new(10, 10).unwrap();
        assert!((all.lower - 0.7225).abs() < 1e-4 && all.upper == 1.0);
    }

    #[test]
    fn the_list_of_confusions_is_bounded() {
        let names: Vec<String> = (0..40).map(|name| name.to_string()).collect();
        let outcomes: Vec<_> = names.iter().map(|name| outcome(Some(name), "other", false)).collect();
        assert_eq!(Evaluation::of(&outcomes).unwrap().confusions.len(), MAX_CONFUSIONS);
    }

    proptest! {
        #[test]
        fn a_share_lies_within_its_interval(count in 0_u64..500, more in 0_u64..500) {
            if let Some(share) = Proportion::new(count, count + more) {
                prop_assert!(0.0 <= share.lower && share.lower <= share.value);
                prop_assert!(share.value <= share.upper && share.upper <= 1.0);
            }
        }
    }
}
