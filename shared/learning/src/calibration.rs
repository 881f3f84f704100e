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

    /// Judges what a head says.
    pub(crate) fn judge(&self, verdict: &Verdict) -> Judgement {
        let logits = &verdict.logits;
        let in_scope = logits.len() - usize::from(self.background_lead.is_some());
        let stance = Stance::of(logits, in_scope, self.temperature);
        let out_of_scope = if !verdict.anything_known {
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
        let mut probabilities = logits.clone();
        softmax(&mut probabilities, self.temperature);
        Judgement {
            best: stance.best,
            runner_up,
            confidence: probabilities[stance.best],
            runner_up_confidence: runner_up.map_or(0.0, |class| probabilities[class]),
            logit: stance.logit,
            out_of_scope,
        }
    }

    /// The calibration that rows unseen by the head call for, under a budget of in-scope accuracy.
    pub(crate) fn fit(sample: &[Unseen<'_>], background: bool, budget: f32) -> Self {
        if sample.is_empty() {
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

/// What a head says of one message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// One per class; the last belongs to the background class if there is one.
    pub logits: Vec<f32>,
    /// Whether the head knows any n-gram of the message.
    pub anything_known: bool,
}

/// What a head says of a row it has not seen, and the class the row belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unseen<'head> {
    pub verdict: &'head Verdict,
    pub class: u32,
}

/// The temperature of the least cross-entropy, which is convex in its inverse: Newton's method, kept within a
/// shrinking bracket. Targets are smoothed by 1 / (rows + 2), as in Platt 1999, so that a handful of rows all
/// judged rightly does not make the model certain of everything.
fn fit_temperature(sample: &[Unseen<'_>]) -> f32 {
    let smoothing = 1.0 / (sample.len() as f64 + 2.0);
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
fn cross_entropy_slope(sample: &[Unseen<'_>], inverse: f64, smoothing: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for unseen in sample {
        let logits = &unseen.verdict.logits;
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
        let target = f64::from(logits[unseen.class as usize]) - greatest;
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
fn fit_rule(sample: &[Unseen<'_>], background: bool, temperature: f32, budget: f32) -> (Option<f32>, Option<f32>) {
    let mut right = Vec::new();
    let mut out_of_scope = Vec::new();
    let mut in_scope_rows = 0_usize;
    for &Unseen { verdict, class } in sample {
        let in_scope = verdict.logits.len() - usize::from(background);
        let stance = Stance::of(&verdict.logits, in_scope, temperature);
        let class = class as usize;
        in_scope_rows += usize::from(class < in_scope);
        // A message of which nothing is known is out of scope under every rule.
        if !verdict.anything_known {
            continue;
        }
        if class >= in_scope {
            out_of_scope.push(stance);
        } else if stance.best == class {
            right.push(stance);
        }
    }
    let affordable = affordable(budget, in_scope_rows);
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

/// Whole rows within a budget. In `f32`, in which 0.005 of 1,000 is 5; widened, it would be a little less.
fn affordable(budget: f32, rows: usize) -> usize {
    (budget * rows as f32) as usize
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

    #[derive(Default)]
    struct Sample(Vec<(Verdict, u32)>);

    impl Sample {
        fn push(&mut self, logits: impl Into<Vec<f32>>, class: u32) {
            self.0.push((known(logits), class));
        }

        fn calibrate(&self, background: bool, budget: f32) -> Calibration {
            let unseen: Vec<_> = self.0.iter().map(|(verdict, class)| Unseen { verdict, class: *class }).collect();
            Calibration::fit(&unseen, background, budget)
        }
    }

    fn known(logits: impl Into<Vec<f32>>) -> Verdict {
        Verdict { logits: logits.into(), anything_known: true }
    }

    #[test]
    fn confidence_becomes_the_share_of_right_answers() {
        let mut sample = Sample::default();
        (0..1_000).for_each(|row| sample.push([5.0, 0.0], u32::from(row >= 800)));
        let calibration = sample.calibrate(false, 0.0);
        let judged = calibration.judge(&known([5.0, 0.0]));
        assert!((judged.confidence - 0.8).abs() < 0.005, "{}", judged.confidence);
    }

    #[test]
    fn a_handful_of_right_answers_is_no_certainty() {
        let mut sample = Sample::default();
        (0..8).for_each(|_| sample.push([3.0, 0.0], 0));
        let judged = sample.calibrate(false, 0.0).judge(&known([3.0, 0.0]));
        assert!((0.9..0.97).contains(&judged.confidence), "{}", judged.confidence);
    }

    #[test]
    fn the_threshold_spends_its_budget_and_no_more() {
        let mut sample = Sample::default();
        (0..1_000).for_each(|row| sample.push([1.0 + row as f32 / 100.0, 0.0], 0));
        let calibration = sample.calibrate(false, 0.005);
        let lost = sample.0.iter().filter(|(verdict, _)| calibration.judge(verdict).out_of_scope.is_some()).count();
        assert_eq!(lost, 5);
    }

    #[test]
    fn labelled_strangers_are_recognised_by_the_background_where_the_threshold_cannot() {
        let mut sample = Sample::default();
        for row in 0..200 {
            sample.push([4.0 + row as f32 / 100.0, 0.0, -2.0], 0);
            sample.push([5.0, 0.0, 6.5], 2);
        }
        let calibration = sample.calibrate(true, 0.0);
        let stranger = calibration.judge(&known([5.0, 0.0, 6.5]));
        assert_eq!(stranger.out_of_scope, Some(OutOfScopeReason::Background));
        assert_eq!(calibration.judge(&known([4.5, 0.0, -2.0])).out_of_scope, None);
    }

    #[test]
    fn a_model_that_is_never_right_sets_no_threshold() {
        let mut sample = Sample::default();
        sample.push([1.0, 0.0], 1);
        assert_eq!(sample.calibrate(false, 0.1).threshold, None);
        assert_eq!(Sample::default().calibrate(true, 0.1), Calibration::none(true));
    }

    #[test]
    fn a_message_of_unknown_words_is_out_of_scope_whatever_the_bias() {
        let unknown = Verdict { logits: vec![9.0, 0.0], anything_known: false };
        let judged = Calibration::none(false).judge(&unknown);
        assert_eq!(judged.out_of_scope, Some(OutOfScopeReason::NothingKnown));
    }

    #[test]
    fn the_runner_up_is_an_intent_and_never_the_background() {
        let judged = Calibration::none(true).judge(&known([1.0, 3.0, 2.0]));
        assert_eq!((judged.best, judged.runner_up), (1, Some(0)));
        let only = Calibration::none(true).judge(&known([1.0, 3.0]));
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
                sample.push(*logits, *class);
            }
            let in_scope = if background { 3 } else { 4 };
            let calibration = sample.calibrate(background, budget);
            prop_assert!((0.049..=20.1).contains(&calibration.temperature));
            let rows_in_scope = rows.iter().filter(|(_, class)| *class < in_scope).count();
            let affordable = affordable(budget, rows_in_scope);
            let lost = sample
                .0
                .iter()
                .filter(|(verdict, class)| {
                    let judged = calibration.judge(verdict);
                    judged.best == *class as usize && judged.out_of_scope.is_some()
                })
                .count();
            prop_assert!(lost <= affordable, "{lost} lost of {affordable}");
        }
    }
}
