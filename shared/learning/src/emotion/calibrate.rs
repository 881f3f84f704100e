//! From logits to probabilities that mean what they say, chosen on rows the head did not learn from.
//!
//! Each emotion has a sigmoid of its own (Platt 1999), held near the identity where it has few rows; the levels share
//! one temperature (Guo et al. 2017). An emotion is present from the confidence that gives the greatest F1.

use serde::{Deserialize, Serialize};

use super::{
    EMOTIONS, Emotion, EmotionConfidence, EmotionSet, Impression, LEVELS, LevelProbabilities, OUTPUTS, SentimentLevel,
    layer::{levels_of, sigmoid, softmax},
};

/// What the identity weighs beside the rows: about as much as this many rows of doubt.
const IDENTITY_WEIGHT: f64 = 2.0;
/// A confidence must rise with its logit.
const SMALLEST_SLOPE: f64 = 0.1;
const NEWTON_STEPS: usize = 50;
/// An emotion with one row in a thousand has its threshold somewhere here.
const THRESHOLDS: std::ops::RangeInclusive<u32> = 20..=600;
const THRESHOLD_STEP: f32 = 1e-3;
/// Temperatures that are tried, in hundredths.
const TEMPERATURES: std::ops::RangeInclusive<u32> = 50..=300;

/// How logits become an [`Impression`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calibration {
    /// Per emotion: confidence = sigmoid(slope × logit + offset).
    pub slopes: [f32; EMOTIONS],
    pub offsets: [f32; EMOTIONS],
    /// Confidence from which an emotion is present.
    pub thresholds: [f32; EMOTIONS],
    /// What the levels' logits are divided by.
    pub temperature: f32,
}

/// What a layer said of a row, and what is true of it.
pub(super) struct Judged {
    pub logits: [f32; OUTPUTS],
    pub emotions: EmotionSet,
    pub level: SentimentLevel,
}

impl Calibration {
    pub fn of(rows: &[Judged]) -> Self {
        let mut calibration = Self {
            slopes: [1.0; EMOTIONS],
            offsets: [0.0; EMOTIONS],
            thresholds: [0.5; EMOTIONS],
            temperature: temperature(rows),
        };
        for emotion in Emotion::ALL {
            let at = emotion as usize;
            let answers: Vec<(f64, bool)> =
                rows.iter().map(|row| (f64::from(row.logits[at]), row.emotions.contains(emotion))).collect();
            let (slope, offset) = platt(&answers);
            (calibration.slopes[at], calibration.offsets[at]) = (slope as f32, offset as f32);
            let confident: Vec<(f32, bool)> = rows
                .iter()
                .zip(&answers)
                .map(|(row, (_, is))| (calibration.confidence(&row.logits, at), *is))
                .collect();
            calibration.thresholds[at] = best_threshold(&confident);
        }
        calibration
    }

    fn confidence(&self, logits: &[f32; OUTPUTS], emotion: usize) -> f32 {
        sigmoid(self.slopes[emotion] * logits[emotion] + self.offsets[emotion])
    }

    pub fn judge(&self, logits: &[f32; OUTPUTS]) -> Impression {
        let emotions = Emotion::ALL.map(|emotion| {
            let confidence = self.confidence(logits, emotion as usize);
            EmotionConfidence { emotion, confidence, present: confidence >= self.thresholds[emotion as usize] }
        });
        Impression { emotions, levels: LevelProbabilities(softmax(&levels_of(logits), self.temperature)) }
    }

    /// Whether every number is one that [`Calibration::of`] could have given.
    pub fn is_sound(&self) -> bool {
        self.slopes.iter().chain(&self.thresholds).all(|value| value.is_finite() && *value > 0.0)
            && self.offsets.iter().all(|offset| offset.is_finite())
            && self.temperature.is_finite()
            && self.temperature > 0.0
    }
}

/// Slope and offset of the least log loss, by Newton's method; a step that does not help is halved.
fn platt(answers: &[(f64, bool)]) -> (f64, f64) {
    let loss = |slope: f64, offset: f64| {
        let doubt = IDENTITY_WEIGHT / 2.0 * ((slope - 1.0) * (slope - 1.0) + offset * offset);
        answers.iter().fold(doubt, |sum, (logit, is)| {
            let margin = slope * logit + offset;
            sum + softplus(if *is { -margin } else { margin })
        })
    };
    let (mut slope, mut offset) = (1.0, 0.0);
    let mut least = loss(slope, offset);
    for _ in 0..NEWTON_STEPS {
        let mut gradient = [IDENTITY_WEIGHT * (slope - 1.0), IDENTITY_WEIGHT * offset];
        let mut curvature = [IDENTITY_WEIGHT, 0.0, IDENTITY_WEIGHT];
        for (logit, is) in answers {
            let probability = 1.0 / (1.0 + libm::exp(-(slope * logit + offset)));
            let error = probability - f64::from(u8::from(*is));
            let weight = probability * (1.0 - probability);
            gradient[0] += error * logit;
            gradient[1] += error;
            curvature[0] += weight * logit * logit;
            curvature[1] += weight * logit;
            curvature[2] += weight;
        }
        let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
        let mut step = [
            (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
            (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
        ];
        let mut next = loss(slope - step[0], offset - step[1]);
        for _ in 0..10 {
            if next < least {
                break;
            }
            step = step.map(|part| part / 2.0);
            next = loss(slope - step[0], offset - step[1]);
        }
        if next.is_nan() || next >= least {
            break;
        }
        (slope, offset, least) = (slope - step[0], offset - step[1], next);
    }
    (slope.max(SMALLEST_SLOPE), offset)
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// The threshold of the greatest F1; the lowest of equals.
fn best_threshold(answers: &[(f32, bool)]) -> f32 {
    let actual = answers.iter().filter(|(_, is)| *is).count();
    let mut best = (-1.0, 0.5);
    for step in THRESHOLDS {
        let threshold = step as f32 * THRESHOLD_STEP;
        let (mut found, mut right) = (0_usize, 0_usize);
        for (confidence, is) in answers {
            found += usize::from(*confidence >= threshold);
            right += usize::from(*confidence >= threshold && *is);
        }
        let f1 = 2.0 * right as f64 / (found + actual).max(1) as f64;
        if f1 > best.0 {
            best = (f1, threshold);
        }
    }
    best.1
}

/// The temperature of the least log loss.
fn temperature(rows: &[Judged]) -> f32 {
    let mut best = (f64::INFINITY, 1.0);
    for step in TEMPERATURES {
        let temperature = step as f32 / 100.0;
        let loss: f64 = rows
            .iter()
            .map(|row| {
                let levels: [f32; LEVELS] = softmax(&levels_of(&row.logits), temperature);
                -libm::log(f64::from(levels[row.level as usize]).max(f64::MIN_POSITIVE))
            })
            .sum();
        if loss < best.0 {
            best = (loss, temperature);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits that claim twice as much as is true: at logit x the answer is yes as often as sigmoid(x / 2) says.
    fn boastful() -> Vec<(f64, bool)> {
        (-40..=40)
            .flat_map(|tenths| {
                let logit = f64::from(tenths) / 10.0;
                let yes = (100.0 / (1.0 + libm::exp(-logit / 2.0))).round() as usize;
                (0..100).map(move |at| (logit, at < yes))
            })
            .collect()
    }

    #[test]
    fn a_boastful_emotion_is_taken_at_half_its_word() {
        let (slope, offset) = platt(&boastful());
        assert!((slope - 0.5).abs() < 0.02 && offset.abs() < 0.02, "{slope} {offset}");
    }

    #[test]
    fn an_emotion_nobody_has_is_left_near_the_identity() {
        let (slope, offset) = platt(&[(-3.0, false), (-4.0, false)]);
        assert!((slope - 1.0).abs() < 0.2 && offset.abs() < 0.2);
    }

    #[test]
    fn the_threshold_parts_what_can_be_parted() {
        let answers = [(0.1, false), (0.2, false), (0.3, true), (0.4, true)];
        let threshold = best_threshold(&answers);
        assert!(threshold > 0.2 && threshold <= 0.3);
    }
}
