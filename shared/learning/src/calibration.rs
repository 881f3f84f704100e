//! From logits to a confidence that means what it says, and to the courage to say "none of these".
//!
//! Confidence is the softmax of the logits divided by one temperature (Guo et al. 2017, "On Calibration of Modern
//! Neural Networks"), fitted on rows the head has not seen. Whether a message is out of scope is judged by its
//! greatest in-scope logit, which separates better than its probability, and, where out-of-scope rows
//! were labelled, by the lead of the background class.

use serde::{Deserialize, Serialize};

use crate::head::softmax;

const COLDEST: f64 = 0.05;
const HOTTEST: f64 = 20.0;
const NEWTON_STEPS: usize = 50;

/// How logits become a judgement. All logits in it are calibrated: divided by `temperature`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What logits are divided by, above 0.
    pub temperature: f32,
    /// A greatest in-scope logit below this is out of scope; `None` when nothing was there to set it by.
    pub threshold: Option<f32>,
    /// A background class that leads the greatest in-scope logit by more than this, at least 0, makes a message
    /// out of scope; `None` for a model without a background class.
    pub background_lead: Option<f32>,
}

/// Why a message belongs to no intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutOfScopeReason {
    /// Not one n-gram of it is known.
    NothingKnown,
    /// It resembles no intent enough.
    BelowThreshold,
    /// It resembles rows labelled as out of scope more than any intent.
    Background,
}

/// What the logits of one message amount to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judgement {
    /// Class of the greatest in-scope logit.
    pub best: usize,
    /// Class of the next, if there is another.
    pub runner_up: Option<usize>,
    /// Calibrated probability of `best`.
    pub confidence: f32,
    /// Calibrated probability of `runner_up`, or 0.
    pub runner_up_confidence: f32,
    /// Greatest in-scope logit, calibrated.
    pub logit: f32,
    pub out_of_scope: Option<OutOfScopeReason>,
}

impl Calibration {
    /// Leaves logits as they are and nothing out of scope but what the background class wins.
    pub(crate) fn none(background: bool) -> Self {
        Self { temperature: 1.0, threshold: None, background_lead: background.then_some(0.0) }
    }

    /// Judges logits; the last of them belongs to the background class if there is one.
    pub(crate) fn judge(&self, mut logits: Vec<f32>, anything_known: bool) -> Judgement {
        let in_scope = logits.len() - usize::from(self.background_lead.is_some());
        let stance = Stance::of(&logits, in_scope, self.temperature);
        let out_of_scope = if !anything_known {
            Some(OutOfScopeReason::NothingKnown)
        } else if self.background_lead.is_some_and(|lead| stance.background_lead > lead) {
            Some(OutOfScopeReason::Background)
        } else if self.threshold.is_some_and(|threshold| stance.logit < threshold) {
            Some(OutOfScopeReason::BelowThreshold)
        } else {
            None
        };
        let mut runner_up = None;
        for (class, logit) in logits[..in_scope].iter().enumerate() {
            if class != stance.best && runner_up.is_none_or(|other: usize| *logit > logits[other]) {
                runner_up = Some(class);
            }
        }
        softmax(&mut logits, self.temperature);
        Judgement {
            best: stance.best,
            runner_up,
            confidence: logits[stance.best],
            runner_up_confidence: runner_up.map_or(0.0, |class| logits[class]),
            logit: stance.logit,
            out_of_scope,
        }
    }

    /// The calibration that rows unseen by the head call for, under a budget of in-scope accuracy.
    pub(crate) fn fit(sample: &Sample, background: bool, budget: f32) -> Self {
        if sample.classes.is_empty() {
            return Self::none(background);
        }
        let temperature = fit_temperature(sample);
        let (threshold, background_lead) = fit_rule(sample, background, temperature, budget);
        Self { temperature, threshold, background_lead }
    }
}

/// Where a message stands between the intents and the background.
struct Stance {
    best: usize,
    logit: f32,
    /// Calibrated background logit less `logit`; minus infinity without a background class.
    background_lead: f32,
}

impl Stance {
    fn of(logits: &[f32], in_scope: usize, temperature: f32) -> Self {
        let mut best = 0;
        for (class, logit) in logits[..in_scope].iter().enumerate() {
            if *logit > logits[best] {
                best = class;
            }
        }
        let logit = logits[best] / temperature;
        let background = logits.get(in_scope).map_or(f32::NEG_INFINITY, |logit| logit / temperature);
        Self { best, logit, background_lead: background - logit }
    }
}

/// Logits of rows the head has not seen, with the classes those rows belong to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub logits: Vec<Vec<f32>>,
    pub classes: Vec<u32>,
}

impl Sample {
    pub(crate) fn push(&mut self, logits: Vec<f32>, class: u32) {
        self.logits.push(logits);
        self.classes.push(class);
    }

    fn rows(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.logits.iter().map(Vec::as_slice).zip(self.classes.iter().map(|class| *class as usize))
    }
}

/// The temperature of the least cross-entropy, which is convex in its inverse: Newton's method, kept within a
/// shrinking bracket. Targets are smoothed by 1 / (rows + 2), as in Platt 1999, so that a handful of rows all
/// judged rightly does not make the model certain of everything.
fn fit_temperature(sample: &Sample) -> f32 {
    let smoothing = 1.0 / (sample.classes.len() as f64 + 2.0);
    let (mut lowest, mut highest) = (1.0 / HOTTEST, 1.0 / COLDEST);
    let mut inverse = 1.0;
    for _ in 0..NEWTON_STEPS {
        let (slope, curvature) = cross_entropy_slope(sample, inverse, smoothing);
        if slope > 0.0 {
            highest = inverse;
        } else {
            lowest = inverse;
        }
        let newton = inverse - slope / curvature;
        let next = if newton > lowest && newton < highest { newton } else { f64::midpoint(lowest, highest) };
        let moved = (next - inverse).abs();
        inverse = next;
        if moved < 1e-7 * inverse {
            break;
        }
    }
    (1.0 / inverse) as f32
}

/// First and second derivative of the summed cross-entropy with respect to the inverse temperature.
fn cross_entropy_slope(sample: &Sample, inverse: f64, smoothing: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for (logits, class) in sample.rows() {
        let greatest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let (mut mass, mut first, mut second, mut plain) = (0.0, 0.0, 0.0, 0.0);
        for logit in logits {
            let logit = f64::from(*logit) - greatest;
            let share = libm::exp(logit * inverse);
            mass += share;
            first += share * logit;
            second += share * logit * logit;
            plain += logit;
        }
        let (mean, uniform) = (first / mass, plain / logits.len() as f64);
        let target = f64::from(logits[class]) - greatest;
        slope += mean - (1.0 - smoothing) * target - smoothing * uniform;
        curvature += second / mass - mean * mean;
    }
    (slope, curvature)
}

/// The threshold and the background's lead that recognise most out-of-scope rows while at most `budget` of the
/// in-scope rows lose their right answer.
///
/// Every way to divide the lost rows between the two is tried. Without out-of-scope rows all divisions are equal
/// and the first stands: the background must lead by what costs nothing, the threshold spends the whole budget.
fn fit_rule(sample: &Sample, background: bool, temperature: f32, budget: f32) -> (Option<f32>, Option<f32>) {
    let mut right = Vec::new();
    let mut out_of_scope = Vec::new();
    let mut in_scope_rows = 0_usize;
    for (logits, class) in sample.rows() {
        let in_scope = logits.len() - usize::from(background);
        let stance = Stance::of(logits, in_scope, temperature);
        if class >= in_scope {
            out_of_scope.push(stance);
            continue;
        }
        in_scope_rows += 1;
        if stance.best == class {
            right.push(stance);
        }
    }
    let affordable = (f64::from(budget) * in_scope_rows as f64) as usize;
    if !background {
        return (threshold_after(&right, f32::INFINITY, affordable), None);
    }
    let mut leads: Vec<f32> = right.iter().map(|stance| stance.background_lead).collect();
    leads.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut chosen = (None, Some(0.0));
    let mut most = None;
    for lost in 0..=affordable.min(leads.len().saturating_sub(1)) {
        let lead = leads.get(lost).map_or(0.0, |lead| lead.max(0.0));
        let threshold = threshold_after(&right, lead, affordable);
        let recognised = out_of_scope
            .iter()
            .filter(|stance| {
                stance.background_lead > lead || threshold.is_some_and(|threshold| stance.logit < threshold)
            })
            .count();
        if most.is_none_or(|most| recognised > most) {
            most = Some(recognised);
            chosen = (threshold, Some(lead));
        }
    }
    chosen
}

/// The highest threshold at which, together with those the background takes, at most `affordable` right answers
/// are lost.
fn threshold_after(right: &[Stance], lead: f32, affordable: usize) -> Option<f32> {
    let mut kept: Vec<f32> =
        right.iter().filter(|stance| stance.background_lead <= lead).map(|stance| stance.logit).collect();
    kept.sort_unstable_by(f32::total_cmp);
    let taken = right.len() - kept.len();
    let left = affordable.saturating_sub(taken).min(kept.len().saturating_sub(1));
    kept.get(left).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two intents; `sure` rows of a hundred are right, all with the same lead.
    fn sample_with(right: usize, lead: f32) -> Sample {
        let mut sample = Sample::default();
        for row in 0..1_000 {
            sample.push(vec![lead, 0.0], u32::from(row >= right));
        }
        sample
    }

    #[test]
    fn confidence_becomes_the_share_of_right_answers() {
        let sample = sample_with(800, 5.0);
        let calibration = Calibration::fit(&sample, false, 0.0);
        let judged = calibration.judge(vec![5.0, 0.0], true);
        assert!((judged.confidence - 0.8).abs() < 0.005, "{}", judged.confidence);
    }

    #[test]
    fn a_handful_of_right_answers_is_no_certainty() {
        let mut sample = Sample::default();
        (0..8).for_each(|_| sample.push(vec![3.0, 0.0], 0));
        let judged = Calibration::fit(&sample, false, 0.0).judge(vec![3.0, 0.0], true);
        assert!((0.9..0.97).contains(&judged.confidence), "{}", judged.confidence);
    }

    #[test]
    fn the_threshold_spends_its_budget_and_no_more() {
        let mut sample = Sample::default();
        (0..1_000).for_each(|row| sample.push(vec![1.0 + row as f32 / 100.0, 0.0], 0));
        let calibration = Calibration::fit(&sample, false, 0.005);
        let lost = sample
            .logits
            .iter()
            .filter(|logits| calibration.judge(logits.to_vec(), true).out_of_scope.is_some())
            .count();
        assert_eq!(lost, 5);
    }

    #[test]
    fn labelled_strangers_are_recognised_by_the_background_where_the_threshold_cannot() {
        let mut sample = Sample::default();
        for row in 0..200 {
            sample.push(vec![4.0 + row as f32 / 100.0, 0.0, -2.0], 0);
            sample.push(vec![5.0, 0.0, 6.5], 2);
        }
        let calibration = Calibration::fit(&sample, true, 0.0);
        let stranger = calibration.judge(vec![5.0, 0.0, 6.5], true);
        assert_eq!(stranger.out_of_scope, Some(OutOfScopeReason::Background));
        assert_eq!(calibration.judge(vec![4.5, 0.0, -2.0], true).out_of_scope, None);
    }

    #[test]
    fn a_model_that_is_never_right_sets_no_threshold() {
        let mut sample = Sample::default();
        sample.push(vec![1.0, 0.0], 1);
        assert_eq!(Calibration::fit(&sample, false, 0.1).threshold, None);
        assert_eq!(Calibration::fit(&Sample::default(), true, 0.1), Calibration::none(true));
    }

    #[test]
    fn a_message_of_unknown_words_is_out_of_scope_whatever_the_bias() {
        let judged = Calibration::none(false).judge(vec![9.0, 0.0], false);
        assert_eq!(judged.out_of_scope, Some(OutOfScopeReason::NothingKnown));
    }

    #[test]
    fn the_runner_up_is_an_intent_and_never_the_background() {
        let judged = Calibration::none(true).judge(vec![1.0, 3.0, 2.0], true);
        assert_eq!((judged.best, judged.runner_up), (1, Some(0)));
        let only = Calibration::none(true).judge(vec![1.0, 3.0], true);
        assert_eq!(only.runner_up, None);
    }

    proptest! {
        #[test]
        fn the_rule_keeps_within_its_budget(
            rows in prop::collection::vec((prop::array::uniform4(-20.0_f32..20.0), 0_u32..4), 1..60),
            budget in 0.0_f32..=0.2,
            background in any::<bool>(),
        ) {
            let mut sample = Sample::default();
            for (logits, class) in &rows {
                sample.push(logits.to_vec(), *class);
            }
            let in_scope = if background { 3 } else { 4 };
            let calibration = Calibration::fit(&sample, background, budget);
            prop_assert!((0.049..=20.1).contains(&calibration.temperature));
            let rows_in_scope = rows.iter().filter(|(_, class)| *class < in_scope).count();
            let affordable = (f64::from(budget) * rows_in_scope as f64) as usize;
            let lost = rows
                .iter()
                .filter(|(logits, class)| {
                    let judged = calibration.judge(logits.to_vec(), true);
                    judged.best == *class as usize && judged.out_of_scope.is_some()
                })
                .count();
            prop_assert!(lost <= affordable, "{lost} lost of {affordable}");
        }
    }
}
