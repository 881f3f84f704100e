//! From what a model sees to a confidence that means what it says, and to the courage to say "none of these".
//!
//! Confidence is the softmax of a weighted sum of the head's logits and the memory's votes. The two weights, a
//! generalisation of one temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks"), are fitted on rows
//! the model has not seen, so how much the memory has to say is learnt tenant by tenant.
//!
//! Whether a message is out of scope is judged by its *familiarity*, against a threshold: how near the nearest
//! remembered rows are, plus half of how certain the head is, both counted in standard deviations of unseen in-scope rows;
//! without an encoder, the greatest in-scope logit. Where out-of-scope rows were labelled, the lead of the background
//! class counts against it, as much as recognises most of them. What may be lost for it is an [`OperatingPoint`], of which
//! a model brings several.
//!
//! The fast tier answers alone where it is so sure that, on unseen rows, the full tier would have gained nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    head::softmax,
    memory::{Recollection, SHARPNESS},
};

/// Shares of in-scope messages whose right answer may be given up, for each of which a model brings an operating point.
pub const BUDGETS: [f32; 10] = [0.0, 0.0025, 0.005, 0.01, 0.0125, 0.0175, 0.02, 0.03, 0.05, 0.1];

/// How many standard deviations below the mean of a normal distribution each of [`BUDGETS`] lies; 0.001 for none.
const DEVIATIONS: [f32; BUDGETS.len()] = [3.09, 2.81, 2.58, 2.33, 2.24, 2.11, 2.05, 1.88, 1.64, 1.28];
/// The least spread of nearness. Rows made after one pattern lie closer than customers ever write (0.08 on Banking77), and a
/// message in other words would be taken for strange.
const LEAST_SPREAD_OF_NEARNESS: f32 = 0.05;
/// The least spread of certainty, in nats.
const LEAST_SPREAD_OF_CERTAINTY: f32 = 0.1;

/// Rows that weights and temperatures are fitted on; more would only cost time.
const FITTED_ROWS: usize = 4_000;
const NEWTON_STEPS: usize = 40;
/// What the lead of the background class may be multiplied by. Where unseen rows cannot tell, the first stands.
const BACKGROUND_SAYS: [f32; 7] = [2.0, 1.0, 4.0, 0.5, 8.0, 0.25, 16.0];
const LEAST_WEIGHT: f64 = 0.05;
const GREATEST_WEIGHT: f64 = 20.0;
/// How much the head's certainty counts in familiarity beside the memory's. Chosen on the validation part of an
/// out-of-scope set of 50 intents: 0.5 to 1 recognise most, either alone a third less.
const CERTAINTY_SAY: f32 = 0.5;
/// The fast tier answers at most this share of unseen rows: there is always something left to compare it with.
const FAST_SHARE: f64 = 0.6;
/// Share of unseen rows that the fast tier may lose to the full one, rounded up: less than a hold-out can tell from chance.
const FAST_LOSS: f64 = 0.001;
/// Unseen rows the fast tier must have been right about before it may answer alone.
const FAST_ROWS: usize = 50;
/// Share of rightly answered rows whose logits are too low for the fast tier to answer: it knows no strangers otherwise.
const FAST_MODESTY: f64 = 0.1;

/// How much right answering is given up to recognise messages that belong to no intent, and by which limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Share of in-scope messages whose right answer may be given up, 0 to 1.
    pub budget: f32,
    /// A familiarity below this is out of scope; `None` when nothing was there to set it by.
    pub threshold: Option<f32>,
}

/// How what a model sees becomes a judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the head's logits are multiplied by, above 0.
    pub logit_weight: f32,
    /// What the memory's votes are multiplied by, at least 0.
    pub vote_weight: f32,
    /// Which of the memory's votes count.
    pub sharpness: usize,
    /// How familiarity is counted where there is a memory.
    pub familiarity: Option<FamiliarityScale>,
    /// Whether the last class is the background.
    pub background: bool,
    /// How much the background's lead over the best intent takes from familiarity, in units of familiarity; at least 0.
    pub background_say: f32,
    /// The operating points by ascending budget; at least one.
    pub points: Vec<OperatingPoint>,
    /// When the fast tier answers alone; `None` where it never does.
    pub fast: Option<FastTier>,
}

/// Means and standard deviations over unseen in-scope rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamiliarityScale {
    /// Mean cosine of the nearest remembered rows.
    pub nearness: [f32; 2],
    /// Logarithm of the head's greatest in-scope probability.
    pub certainty: [f32; 2],
}

/// When the fast tier is sure enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastTier {
    /// What its logits are multiplied by, above 0.
    pub logit_weight: f32,
    /// Confidence it must reach.
    pub least_confidence: f32,
    /// What its greatest in-scope logit must reach, before weighing.
    pub least_logit: f32,
}

/// Why a message belongs to no intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutOfScopeReason {
    /// Not one n-gram of it is known.
    NothingKnown,
    /// It resembles no intent enough.
    BelowThreshold,
    /// It resembles rows labelled as out of scope more than any intent.
    Background,
}

/// Which tier judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// N-grams and the static embedding.
    Fast,
    /// N-grams, the sentence embedding and the memory; n-grams alone where there is no encoder.
    Full,
}

/// What a message amounts to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judgement {
    /// Class of the most likely intent.
    pub best: usize,
    /// Class of the next, if there is another.
    pub runner_up: Option<usize>,
    /// Calibrated probability of `best`.
    pub confidence: f32,
    /// Calibrated probability of `runner_up`, or 0.
    pub runner_up_confidence: f32,
    /// What is compared with `threshold`: the familiarity, or the fast tier's confidence.
    pub score: f32,
    /// What `score` had to reach.
    pub threshold: Option<f32>,
    pub out_of_scope: Option<OutOfScopeReason>,
    pub tier: Tier,
}

/// What the full tier says of one message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// One per class; the last belongs to the background class if there is one.
    pub logits: Vec<f32>,
    /// What the remembered rows say.
    pub recollection: Option<Recollection>,
    /// Whether anything of the message is known.
    pub anything_known: bool,
}

/// What a model says of a row it has not seen, and the class the row belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unseen<'model> {
    pub verdict: &'model Verdict,
    /// Logits of the fast tier.
    pub fast: Option<&'model [f32]>,
    pub class: u32,
}

impl Calibration {
    /// Leaves logits as they are and nothing out of scope but what the background class wins.
    pub(crate) fn none(background: bool) -> Self {
        let point = OperatingPoint { budget: 0.0, threshold: None };
        Self {
            logit_weight: 1.0,
            vote_weight: 0.0,
            sharpness: 0,
            familiarity: None,
            background,
            background_say: 0.0,
            points: vec![point],
            fast: None,
        }
    }

    /// The operating point of the greatest budget within this one; the least there is if none is.
    pub(crate) fn point(&self, budget: f32) -> &OperatingPoint {
        let within = self.points.partition_point(|point| point.budget <= budget);
        &self.points[within.saturating_sub(1)]
    }

    /// Judges what the full tier says.
    pub(crate) fn judge(&self, verdict: &Verdict, budget: f32) -> Judgement {
        let threshold = self.point(budget).threshold;
        let stance = self.stance(verdict).against(self.background_say);
        let leads = stance.background_lead > 0.0;
        let out_of_scope = if !verdict.anything_known {
            Some(OutOfScopeReason::NothingKnown)
        } else if !threshold.map_or(leads, |threshold| stance.familiarity < threshold) {
            None
        } else if leads {
            Some(OutOfScopeReason::Background)
        } else {
            Some(OutOfScopeReason::BelowThreshold)
        };
        let ranked = Ranked::of(self.combined(verdict), self.background);
        Judgement {
            best: ranked.best,
            runner_up: ranked.runner_up,
            confidence: ranked.confidence(),
            runner_up_confidence: ranked.runner_up_confidence(),
            score: stance.familiarity,
            threshold,
            out_of_scope,
            tier: Tier::Full,
        }
    }

    /// The probability of each intent, in the order of the classes. The background has its share, and none of the intents
    /// has it.
    pub(crate) fn probabilities(&self, verdict: &Verdict) -> Vec<f32> {
        let mut probabilities = self.combined(verdict);
        softmax(&mut probabilities, 1.0);
        probabilities.truncate(probabilities.len() - usize::from(self.background));
        probabilities
    }

    /// Judges what the fast tier says; `None` where it is not sure enough to answer alone.
    pub(crate) fn judge_fast(&self, logits: &[f32]) -> Option<Judgement> {
        let fast = self.fast?;
        let ranked = Ranked::of(logits.iter().map(|logit| logit * fast.logit_weight).collect(), self.background);
        let confidence = ranked.confidence();
        let sure = confidence >= fast.least_confidence && logits[ranked.best] >= fast.least_logit;
        sure.then(|| Judgement {
            best: ranked.best,
            runner_up: ranked.runner_up,
            confidence,
            runner_up_confidence: ranked.runner_up_confidence(),
            score: confidence,
            threshold: Some(fast.least_confidence),
            out_of_scope: None,
            tier: Tier::Fast,
        })
    }

    /// The calibration that rows unseen by the model call for. `budget` is the operating point that the fast tier is
    /// measured against.
    pub(crate) fn fit(sample: &[Unseen<'_>], background: bool, budget: f32) -> Self {
        let mut calibration = Self::none(background);
        if sample.is_empty() {
            return calibration;
        }
        let fitted = &sample[..sample.len().min(FITTED_ROWS)];
        calibration.fit_weights(fitted);
        calibration.familiarity = FamiliarityScale::of(sample, background);
        calibration.fit_points(sample);
        calibration.fast = calibration.fit_fast(sample, fitted, budget);
        calibration
    }

    /// Logits and votes together.
    fn combined(&self, verdict: &Verdict) -> Vec<f32> {
        let mut combined: Vec<f32> = verdict.logits.iter().map(|logit| logit * self.logit_weight).collect();
        if let Some(recollection) = &verdict.recollection {
            for (combined, vote) in combined.iter_mut().zip(&recollection.votes[self.sharpness]) {
                *combined += self.vote_weight * vote;
            }
        }
        combined
    }

    fn stance(&self, verdict: &Verdict) -> Stance {
        let combined = self.combined(verdict);
        let in_scope = combined.len() - usize::from(self.background);
        let best = greatest(&combined[..in_scope]);
        let background = combined.get(in_scope).copied().unwrap_or(f32::NEG_INFINITY);
        let familiarity = match (&self.familiarity, &verdict.recollection) {
            (Some(scale), Some(recollection)) => scale.familiarity(recollection, &verdict.logits[..in_scope]),
            _ => combined[best],
        };
        Stance { best, familiarity, background_lead: background - combined[best] }
    }

    /// The weights and the sharpness of the least cross-entropy.
    fn fit_weights(&mut self, sample: &[Unseen<'_>]) {
        let logits = |unseen: &Unseen<'_>| (unseen.class, vec![unseen.verdict.logits.clone()]);
        let alone: Vec<_> = sample.iter().map(logits).collect();
        let (weights, mut least) = fit_weights(&alone, &[1.0]);
        self.logit_weight = weights[0] as f32;
        if sample.iter().any(|unseen| unseen.verdict.recollection.is_none()) {
            return;
        }
        for sharpness in 0..SHARPNESS.len() {
            let both: Vec<_> = sample
                .iter()
                .filter_map(|unseen| {
                    let votes = unseen.verdict.recollection.as_ref()?.votes[sharpness].clone();
                    Some((unseen.class, vec![unseen.verdict.logits.clone(), votes]))
                })
                .collect();
            let (weights, loss) = fit_weights(&both, &[f64::from(self.logit_weight), 0.5]);
            if loss < least {
                least = loss;
                (self.logit_weight, self.vote_weight) = (weights[0] as f32, weights[1] as f32);
                self.sharpness = sharpness;
            }
        }
    }

    /// For each budget the threshold at which at most that share of the in-scope rows loses its right answer, and the say of
    /// the background with which those thresholds together recognise most out-of-scope rows.
    fn fit_points(&mut self, sample: &[Unseen<'_>]) {
        let (mut right, mut out_of_scope, mut in_scope_rows) = (Vec::new(), Vec::new(), 0_usize);
        for unseen in sample {
            let in_scope = unseen.verdict.logits.len() - usize::from(self.background);
            let stance = self.stance(unseen.verdict);
            let class = unseen.class as usize;
            in_scope_rows += usize::from(class < in_scope);
            // A message of which nothing is known is out of scope under every rule.
            if !unseen.verdict.anything_known {
                continue;
            }
            if class >= in_scope {
                out_of_scope.push(stance);
            } else if stance.best == class {
                right.push(stance);
            }
        }
        let says = if self.background { &BACKGROUND_SAYS[..] } else { &[0.0] };
        let mut most = None;
        for &say in says {
            let mut kept: Vec<f32> = right.iter().map(|stance| stance.against(say).familiarity).collect();
            kept.sort_unstable_by(f32::total_cmp);
            let [mean, deviation] = mean_and_deviation(&kept);
            // Familiarity is counted in standard deviations.
            let deviation = if self.familiarity.is_some() { deviation.max(1.0) } else { deviation };
            let points = std::array::from_fn::<_, { BUDGETS.len() }, _>(|at| {
                let budget = BUDGETS[at];
                let lost = affordable(budget, in_scope_rows).min(kept.len().saturating_sub(1));
                let exact = kept.get(lost).copied();
                // The least of n rows gives up one in n + 1 of those to come, which is more than the budget where rows are
                // few: there the tail is taken for that of a normal distribution.
                let threshold = match lost {
                    0 => exact.map(|exact| exact.min(mean - DEVIATIONS[at] * deviation)),
                    _ => exact,
                };
                OperatingPoint { budget, threshold }
            });
            let recognised: usize = points
                .iter()
                .filter_map(|point| point.threshold)
                .map(|threshold| {
                    out_of_scope.iter().filter(|stance| stance.against(say).familiarity < threshold).count()
                })
                .sum();
            if most.is_none_or(|most| recognised > most) {
                most = Some(recognised);
                (self.background_say, self.points) = (say, points.to_vec());
            }
        }
    }

    /// The least confidence at which the fast tier loses nothing against the full one.
    fn fit_fast(&self, sample: &[Unseen<'_>], fitted: &[Unseen<'_>], budget: f32) -> Option<FastTier> {
        let logits: Option<Vec<_>> =
            fitted.iter().map(|unseen| Some((unseen.class, vec![unseen.fast?.to_vec()]))).collect();
        let (weights, _) = fit_weights(&logits?, &[1.0]);
        let logit_weight = weights[0] as f32;
        let mut trials = Vec::with_capacity(sample.len());
        for unseen in sample {
            let fast = unseen.fast?;
            let ranked = Ranked::of(fast.iter().map(|logit| logit * logit_weight).collect(), self.background);
            let judged = self.judge(unseen.verdict, budget);
            let class = unseen.class as usize;
            let in_scope = class < fast.len() - usize::from(self.background);
            trials.push(Trial {
                confidence: ranked.confidence(),
                logit: fast[ranked.best],
                fast_right: in_scope && ranked.best == class,
                full_right: match judged.out_of_scope {
                    Some(_) => !in_scope,
                    None => in_scope && judged.best == class,
                },
            });
        }
        let mut right: Vec<f32> = trials.iter().filter(|trial| trial.fast_right).map(|trial| trial.logit).collect();
        right.sort_unstable_by(f32::total_cmp);
        let least_logit = *right.get((FAST_MODESTY * right.len() as f64) as usize)?;
        let most = (FAST_SHARE * trials.len() as f64) as usize;
        let bearable = (FAST_LOSS * trials.len() as f64).ceil() as i64;
        trials.retain(|trial| trial.logit >= least_logit);
        trials.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        let (mut lost, mut least_confidence) = (0_i64, None);
        for (answered, trial) in (1..=most).zip(&trials) {
            lost += i64::from(trial.full_right) - i64::from(trial.fast_right);
            if lost > bearable {
                break;
            }
            if answered >= FAST_ROWS {
                least_confidence = Some(trial.confidence);
            }
        }
        Some(FastTier { logit_weight, least_confidence: least_confidence?, least_logit })
    }
}

/// How a row fared in both tiers.
struct Trial {
    confidence: f32,
    logit: f32,
    fast_right: bool,
    full_right: bool,
}

impl FamiliarityScale {
    fn of(sample: &[Unseen<'_>], background: bool) -> Option<Self> {
        let mut nearness = Vec::new();
        let mut certainty = Vec::new();
        for unseen in sample {
            let in_scope = unseen.verdict.logits.len() - usize::from(background);
            if (unseen.class as usize) < in_scope {
                nearness.push(unseen.verdict.recollection.as_ref()?.familiarity);
                certainty.push(certainty_of(&unseen.verdict.logits[..in_scope]));
            }
        }
        let spread = |values: &[f32], least: f32| {
            let [mean, deviation] = mean_and_deviation(values);
            [mean, deviation.max(least)]
        };
        (!nearness.is_empty()).then(|| Self {
            nearness: spread(&nearness, LEAST_SPREAD_OF_NEARNESS),
            certainty: spread(&certainty, LEAST_SPREAD_OF_CERTAINTY),
        })
    }

    fn familiarity(&self, recollection: &Recollection, in_scope_logits: &[f32]) -> f32 {
        let deviations = |value: f32, [mean, deviation]: [f32; 2]| (value - mean) / deviation;
        deviations(recollection.familiarity, self.nearness)
            + CERTAINTY_SAY * deviations(certainty_of(in_scope_logits), self.certainty)
    }
}

/// A deviation too small to divide by becomes 1.
fn mean_and_deviation(values: &[f32]) -> [f32; 2] {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance =
        values.iter().map(|value| (f64::from(*value) - mean) * (f64::from(*value) - mean)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    [mean as f32, if deviation > 1e-6 { deviation as f32 } else { 1.0 }]
}

/// Logarithm of the greatest probability.
fn certainty_of(logits: &[f32]) -> f32 {
    let mut probabilities = logits.to_vec();
    softmax(&mut probabilities, 1.0);
    libm::logf(probabilities[greatest(&probabilities)].max(f32::MIN_POSITIVE))
}

fn greatest(values: &[f32]) -> usize {
    let mut best = 0;
    for (class, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = class;
        }
    }
    best
}

/// Classes by probability.
struct Ranked {
    best: usize,
    runner_up: Option<usize>,
    probabilities: Vec<f32>,
}

impl Ranked {
    fn of(mut logits: Vec<f32>, background: bool) -> Self {
        let in_scope = logits.len() - usize::from(background);
        let best = greatest(&logits[..in_scope]);
        let mut runner_up = None;
        for (class, logit) in logits[..in_scope].iter().enumerate() {
            if class != best && runner_up.is_none_or(|other: usize| *logit > logits[other]) {
                runner_up = Some(class);
            }
        }
        softmax(&mut logits, 1.0);
        Self { best, runner_up, probabilities: logits }
    }

    fn confidence(&self) -> f32 {
        self.probabilities[self.best]
    }

    fn runner_up_confidence(&self) -> f32 {
        self.runner_up.map_or(0.0, |class| self.probabilities[class])
    }
}

/// Where a message stands between the intents and the background.
#[derive(Debug, Clone, Copy)]
struct Stance {
    best: usize,
    familiarity: f32,
    /// Calibrated background logit less that of the best; minus infinity without a background class.
    background_lead: f32,
}

impl Stance {
    /// With the background's lead counted against familiarity.
    fn against(self, say: f32) -> Self {
        // Without a background class the lead is infinite, and has no say.
        let taken = if say > 0.0 { say * self.background_lead } else { 0.0 };
        Self { familiarity: self.familiarity - taken, ..self }
    }
}

/// The class of a row and, for each thing that has a say, its values class by class.
type Said = (u32, Vec<Vec<f32>>);

/// The weights of the least cross-entropy, which is convex in them: Newton's method with halved steps, each weight kept
/// within bounds. Targets are smoothed by 1 / (rows + 2), as in Platt 1999, so that a handful of rows all judged rightly
/// does not make the model certain of everything. Gives the weights and the mean cross-entropy in nats.
fn fit_weights(sample: &[Said], start: &[f64]) -> (Vec<f64>, f64) {
    let smoothing = 1.0 / (sample.len() as f64 + 2.0);
    let least = |index: usize| if index == 0 { LEAST_WEIGHT } else { 0.0 };
    let mut weights = start.to_vec();
    let mut loss = cross_entropy(sample, &weights, smoothing);
    for _ in 0..NEWTON_STEPS {
        let direction = newton_direction(sample, &weights, smoothing);
        let mut length = 1.0;
        let (moved, reached) = loop {
            let step = |(index, (weight, direction)): (usize, (&f64, &f64))| {
                (weight - length * direction).clamp(least(index), GREATEST_WEIGHT)
            };
            let moved: Vec<f64> = weights.iter().zip(&direction).enumerate().map(step).collect();
            let reached = cross_entropy(sample, &moved, smoothing);
            if reached <= loss || length < 1e-3 {
                break (moved, reached);
            }
            length /= 2.0;
        };
        if reached > loss - 1e-9 {
            break;
        }
        (weights, loss) = (moved, reached);
    }
    (weights, loss)
}

/// Logits under these weights, less the greatest, and their softmax's normaliser.
fn weighed(said: &[Vec<f32>], weights: &[f64], logits: &mut Vec<f64>) -> f64 {
    logits.clear();
    for class in 0..said[0].len() {
        logits.push(said.iter().zip(weights).map(|(values, weight)| weight * f64::from(values[class])).sum());
    }
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut mass = 0.0;
    for logit in logits.iter_mut() {
        *logit -= greatest;
        mass += libm::exp(*logit);
    }
    mass
}

fn cross_entropy(sample: &[Said], weights: &[f64], smoothing: f64) -> f64 {
    let mut logits = Vec::new();
    let mut sum = 0.0;
    for (class, said) in sample {
        let mass = weighed(said, weights, &mut logits);
        let plain = logits.iter().sum::<f64>() / logits.len() as f64;
        sum += libm::log(mass) - (1.0 - smoothing) * logits[*class as usize] - smoothing * plain;
    }
    sum / sample.len().max(1) as f64
}

/// Gradient over curvature. With two weights the 2 × 2 system is solved outright.
fn newton_direction(sample: &[Said], weights: &[f64], smoothing: f64) -> Vec<f64> {
    let count = weights.len();
    let (mut gradient, mut curvature) = (vec![0.0; count], vec![vec![0.0; count]; count]);
    let mut logits = Vec::new();
    for (class, said) in sample {
        let mass = weighed(said, weights, &mut logits);
        let shares: Vec<f64> = logits.iter().map(|logit| libm::exp(*logit) / mass).collect();
        let mean = |values: &[f32]| -> f64 {
            values.iter().zip(&shares).map(|(value, share)| f64::from(*value) * share).sum()
        };
        let means: Vec<f64> = said.iter().map(|values| mean(values)).collect();
        for (first, values) in said.iter().enumerate() {
            let plain = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
            gradient[first] +=
                means[first] - (1.0 - smoothing) * f64::from(values[*class as usize]) - smoothing * plain;
            for (second, others) in said.iter().enumerate() {
                let product: f64 = values
                    .iter()
                    .zip(others)
                    .zip(&shares)
                    .map(|((a, b), share)| f64::from(*a) * f64::from(*b) * share)
                    .sum();
                curvature[first][second] += product - means[first] * means[second];
            }
        }
    }
    // A little more curvature than there is keeps the system solvable where a say is the same for every class.
    (0..count).for_each(|index| curvature[index][index] += 1e-9 + 1e-9 * sample.len() as f64);
    if count == 1 {
        return vec![gradient[0] / curvature[0][0]];
    }
    let determinant = curvature[0][0] * curvature[1][1] - curvature[0][1] * curvature[1][0];
    vec![
        (gradient[0] * curvature[1][1] - gradient[1] * curvature[0][1]) / determinant,
        (gradient[1] * curvature[0][0] - gradient[0] * curvature[1][0]) / determinant,
    ]
}

/// Whole rows within a budget. In `f32`, in which 0.005 of 1,000 is 5; widened, it would be a little less.
fn affordable(budget: f32, rows: usize) -> usize {
    (budget * rows as f32) as usize
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
            let unseen: Vec<_> =
                self.0.iter().map(|(verdict, class)| Unseen { verdict, fast: None, class: *class }).collect();
            Calibration::fit(&unseen, background, budget)
        }
    }

    fn known(logits: impl Into<Vec<f32>>) -> Verdict {
        Verdict { logits: logits.into(), recollection: None, anything_known: true }
    }

    #[test]
    fn confidence_becomes_the_share_of_right_answers() {
        let mut sample = Sample::default();
        (0..1_000).for_each(|row| sample.push([5.0, 0.0], u32::from(row >= 800)));
        let calibration = sample.calibrate(false, 0.0);
        let judged = calibration.judge(&known([5.0, 0.0]), 0.0);
        assert!((judged.confidence - 0.8).abs() < 0.005, "{}", judged.confidence);
    }

    #[test]
    fn a_handful_of_right_answers_is_no_certainty() {
        let mut sample = Sample::default();
        (0..8).for_each(|_| sample.push([3.0, 0.0], 0));
        let judged = sample.calibrate(false, 0.0).judge(&known([3.0, 0.0]), 0.0);
        assert!((0.9..0.97).contains(&judged.confidence), "{}", judged.confidence);
    }

    #[test]
    fn the_threshold_spends_its_budget_and_no_more() {
        let mut sample = Sample::default();
        (0..1_000).for_each(|row| sample.push([1.0 + row as f32 / 100.0, 0.0], 0));
        let calibration = sample.calibrate(false, 0.005);
        let lost =
            sample.0.iter().filter(|(verdict, _)| calibration.judge(verdict, 0.005).out_of_scope.is_some()).count();
        assert_eq!(lost, 5);
    }

    #[test]
    fn few_rows_after_one_pattern_do_not_make_other_words_strange() {
        let seen = |familiarity: f32| Verdict {
            recollection: Some(Recollection { votes: SHARPNESS.map(|_| vec![0.0, -5.0]), familiarity }),
            ..known([4.0, 0.0])
        };
        let mut sample = Sample::default();
        (0..60).for_each(|row| sample.0.push((seen(0.97 + row as f32 / 6_000.0), 0)));
        let calibration = sample.calibrate(false, 0.005);
        assert_eq!(calibration.judge(&seen(0.9), 0.005).out_of_scope, None);
        let strange = calibration.judge(&seen(0.5), 0.005);
        assert_eq!(strange.out_of_scope, Some(OutOfScopeReason::BelowThreshold));
    }

    #[test]
    fn labelled_strangers_are_recognised_by_the_background_where_the_threshold_cannot() {
        let mut sample = Sample::default();
        for row in 0..200 {
            sample.push([4.0 + row as f32 / 100.0, 0.0, -2.0], 0);
            sample.push([5.0, 0.0, 6.5], 2);
        }
        let calibration = sample.calibrate(true, 0.0);
        let stranger = calibration.judge(&known([5.0, 0.0, 6.5]), 0.0);
        assert_eq!(stranger.out_of_scope, Some(OutOfScopeReason::Background));
        assert_eq!(calibration.judge(&known([4.5, 0.0, -2.0]), 0.0).out_of_scope, None);
    }

    #[test]
    fn a_model_that_is_never_right_sets_no_threshold() {
        let mut sample = Sample::default();
        sample.push([1.0, 0.0], 1);
        assert_eq!(sample.calibrate(false, 0.1).point(0.1).threshold, None);
        assert_eq!(Sample::default().calibrate(true, 0.1), Calibration::none(true));
    }

    #[test]
    fn a_message_of_unknown_words_is_out_of_scope_whatever_the_bias() {
        let unknown = Verdict { logits: vec![9.0, 0.0], recollection: None, anything_known: false };
        let judged = Calibration::none(false).judge(&unknown, 0.0);
        assert_eq!(judged.out_of_scope, Some(OutOfScopeReason::NothingKnown));
    }

    #[test]
    fn the_runner_up_is_an_intent_and_never_the_background() {
        let judged = Calibration::none(true).judge(&known([1.0, 3.0, 2.0]), 0.0);
        assert_eq!((judged.best, judged.runner_up), (1, Some(0)));
        let only = Calibration::none(true).judge(&known([1.0, 3.0]), 0.0);
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
            prop_assert!((0.049..=20.1).contains(&calibration.logit_weight));
            let rows_in_scope = rows.iter().filter(|(_, class)| *class < in_scope).count();
            let affordable = affordable(budget, rows_in_scope);
            let lost = sample
                .0
                .iter()
                .filter(|(verdict, class)| {
                    let judged = calibration.judge(verdict, budget);
                    judged.best == *class as usize && judged.out_of_scope.is_some()
                })
                .count();
            prop_assert!(lost <= affordable, "{lost} lost of {affordable}");
        }
    }
}
