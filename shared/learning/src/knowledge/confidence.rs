//! How sure one may be that a passage answers a question.
//!
//! A logistic regression on the figures of a hit. Its weights are those of [`Confidence::shipped`], fitted once on other
//! questions, and, for past replies, move from there as far as the tenant's own past questions demand: the maximum a posteriori under a normal prior around the shipped weights, by Newton's method
//! (Bishop 2006, "Pattern Recognition and Machine Learning", 4.3.3 and 4.5).

use serde::{Deserialize, Serialize};

use super::SourceKind;

/// Figures of a hit and the constant.
pub const FIGURES: usize = 8;
/// Trials of a tenant below which the shipped weights stand as they are.
pub const FEWEST_TRIALS: usize = 150;
/// A lead beyond this says nothing more.
const GREATEST_LEAD: f32 = 0.4;
const NEWTON_STEPS: usize = 30;
/// Precision of the tenant's prior on each weight: it takes a hundred or so telling questions to leave it.
const PRECISION: f64 = 20.0;

/// Judges of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// Words alone.
    Words,
    /// Words and, of a few past replies, the likeness to all of a group.
    WordsAndGroups,
    /// Words and embeddings.
    WordsAndEmbeddings,
}

/// Figures of a hit by which it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Score of the answer group.
    pub score: f32,
    /// The score less that of the best other group. Negative for all but the first hit.
    pub lead: f32,
    /// Share of the question's information that the words of the group's best passage carry.
    pub coverage: f32,
    /// The same for the best sentence of an article; for other passages the same figure.
    pub sentence: f32,
    /// Greatest cosine to a text of the group; `None` for searches by words.
    pub cosine: Option<f32>,
    /// Distinct words of the question.
    pub words: usize,
}

impl Standing {
    /// The constant, then figures scaled to a spread of about one.
    fn figures(self) -> [f64; FIGURES] {
        let lead = self.lead.clamp(-GREATEST_LEAD, GREATEST_LEAD);
        [
            1.0,
            f64::from(self.score - 0.6) / 0.15,
            f64::from(lead.max(0.0)) / 0.1,
            f64::from((-lead).max(0.0)) / 0.1,
            f64::from(self.coverage - 0.4) / 0.25,
            f64::from(self.sentence - 0.4) / 0.25,
            self.cosine.map_or(0.0, |cosine| f64::from(cosine - 0.6) / 0.15),
            (libm::log(1.0 + self.words as f64) - 2.0) / 0.5,
        ]
    }
}

/// One question put to the index, and whether the hit was right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Of the hit.
    pub standing: Standing,
    /// Whether the passage answers the question.
    pub right: bool,
    /// How much the trial counts, above 0.
    pub weight: f32,
}

/// Weights from the figures of a hit to the log-odds that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// Constant; score; lead if ahead; distance if behind; coverage; the best sentence's; cosine; words of the question.
    pub weights: [f64; FIGURES],
}

impl Confidence {
    /// The weights that an index begins with. From `examples/answers_quality.rs`, on halves of public sets and on forty
    /// conversations of each of six languages, of which none is among the figures of `docs/metrics.md`, and for
    /// [`Judge::WordsAndGroups`] on forty to sixty conversations of each of thirteen companies in five; the constants of FAQs and
    /// articles are moved so that some ninety-seven of a hundred answers are right from
    /// [`DEFAULT_THRESHOLD`](super::DEFAULT_THRESHOLD) on.
    #[must_use]
    pub const fn shipped(by: Judge, kind: SourceKind) -> Self {
        let weights = match (by, kind) {
            (Judge::Words | Judge::WordsAndGroups, SourceKind::Faq) => {
                [-1.285, 0.749, 0.901, -0.641, -0.315, -0.315, 0.0, 0.511]
            }
            (Judge::Words | Judge::WordsAndGroups, SourceKind::Article) => {
                [-0.165, 1.150, 1.026, -0.840, 0.443, 0.019, 0.0, 0.666]
            }
            (Judge::Words, SourceKind::Reply) => [1.626, 1.861, 1.039, -0.093, -1.397, -1.397, 0.0, -0.013],
            (Judge::WordsAndGroups, SourceKind::Reply) => [4.961, 3.399, 1.280, -0.062, -1.607, -1.607, 0.0, 0.586],
            (Judge::WordsAndEmbeddings, SourceKind::Faq) => [-1.833, 0.746, 1.107, -1.204, 0.050, 0.050, 0.181, 0.344],
            (Judge::WordsAndEmbeddings, SourceKind::Article) => {
                [-0.063, 0.0, 1.164, -1.607, 0.614, 1.514, 1.238, -0.002]
            }
            (Judge::WordsAndEmbeddings, SourceKind::Reply) => {
                [-0.644, 0.145, 0.991, -0.408, -0.068, -0.068, 0.547, 0.353]
            }
        };
        Self { weights }
    }

    /// Probability that a hit answers, 0 to 1.
    #[must_use]
    pub fn probability(&self, standing: Standing) -> f32 {
        logistic(log_odds(&self.weights, &standing.figures())) as f32
    }

    /// These weights, moved by trials; unmoved by fewer than [`FEWEST_TRIALS`].
    #[must_use]
    pub fn moved_by(&self, trials: &[Trial]) -> Self {
        if trials.len() < FEWEST_TRIALS {
            return *self;
        }
        self.fitted(trials, PRECISION)
    }

    /// Weights for which trials alone speak, but for a touch of a prior around zero that keeps them finite.
    #[must_use]
    pub fn of(trials: &[Trial]) -> Self {
        Self { weights: [0.0; FIGURES] }.fitted(trials, 2.0)
    }

    fn fitted(&self, trials: &[Trial], precision: f64) -> Self {
        let mut weights = self.weights;
        for _ in 0..NEWTON_STEPS {
            let mut curvature = [[0.0; FIGURES]; FIGURES];
            let mut slope = [0.0; FIGURES];
            for at in 0..FIGURES {
                curvature[at][at] = precision;
                slope[at] = precision * (weights[at] - self.weights[at]);
            }
            for trial in trials {
                let figures = trial.standing.figures();
                let probability = logistic(log_odds(&weights, &figures));
                let weight = f64::from(trial.weight);
                let error = weight * (probability - f64::from(u8::from(trial.right)));
                let spread = weight * probability * (1.0 - probability);
                for row in 0..FIGURES {
                    slope[row] += error * figures[row];
                    for column in 0..FIGURES {
                        curvature[row][column] += spread * figures[row] * figures[column];
                    }
                }
            }
            let step = solved(curvature, slope);
            // A full step may overshoot where all trials lie far out; a bounded one still arrives.
            let longest = step.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
            let scale = if longest > 1.0 { 1.0 / longest } else { 1.0 };
            weights.iter_mut().zip(step).for_each(|(weight, part)| *weight -= scale * part);
            if longest < 1e-9 {
                break;
            }
        }
        Self { weights }
    }
}

fn log_odds(weights: &[f64; FIGURES], figures: &[f64; FIGURES]) -> f64 {
    weights.iter().zip(figures).map(|(weight, figure)| weight * figure).sum()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// The solution of a positive definite system, by elimination.
fn solved(mut matrix: [[f64; FIGURES]; FIGURES], mut side: [f64; FIGURES]) -> [f64; FIGURES] {
    for pivot in 0..FIGURES {
        let pivot_row = matrix[pivot];
        for row in pivot + 1..FIGURES {
            let factor = matrix[row][pivot] / pivot_row[pivot];
            for column in pivot..FIGURES {
                matrix[row][column] -= factor * pivot_row[column];
            }
            side[row] -= factor * side[pivot];
        }
    }
    for row in (0..FIGURES).rev() {
        for column in row + 1..FIGURES {
            side[row] -= matrix[row][column] * side[column];
        }
        side[row] /= matrix[row][row];
    }
    side
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: Confidence = Confidence::shipped(Judge::WordsAndEmbeddings, SourceKind::Reply);

    fn standing(score: f32, lead: f32) -> Standing {
        Standing { score, lead, coverage: 0.4, sentence: 0.4, cosine: Some(0.6), words: 6 }
    }

    fn trials(score: f32, right: usize, wrong: usize) -> Vec<Trial> {
        let standing = standing(score, 0.1);
        (0..right + wrong).map(|at| Trial { standing, right: at < right, weight: 1.0 }).collect()
    }

    #[test]
    fn a_few_questions_do_not_move_what_is_shipped() {
        assert_eq!(SHIPPED.moved_by(&trials(0.9, 0, FEWEST_TRIALS - 1)), SHIPPED);
    }

    #[test]
    fn many_questions_do() {
        let moved = SHIPPED.moved_by(&[trials(0.9, 200, 1_800), trials(0.5, 20, 1_980)].concat());
        let standing = standing(0.9, 0.1);
        assert!(SHIPPED.probability(standing) > 0.3);
        assert!((0.05..0.2).contains(&moved.probability(standing)), "{}", moved.probability(standing));
    }

    #[test]
    fn a_better_score_and_a_greater_lead_are_never_less_sure() {
        let judges = [Judge::Words, Judge::WordsAndGroups, Judge::WordsAndEmbeddings];
        let kinds = [SourceKind::Faq, SourceKind::Article, SourceKind::Reply];
        for (by, kind) in judges.into_iter().flat_map(|by| kinds.map(|kind| (by, kind))) {
            let confidence = Confidence::shipped(by, kind);
            let plain = standing(0.6, 0.05);
            let probability = confidence.probability(plain);
            assert!(confidence.probability(Standing { score: 0.8, ..plain }) >= probability);
            assert!(confidence.probability(Standing { lead: 0.2, ..plain }) > probability);
            assert!(confidence.probability(Standing { lead: -0.1, ..plain }) < probability);
        }
    }

    #[test]
    fn a_fit_agrees_with_the_share_of_right_answers() {
        let fitted = Confidence::of(&[trials(0.8, 800, 200), trials(0.4, 100, 900)].concat());
        let at = |score| fitted.probability(standing(score, 0.1));
        assert!((at(0.8) - 0.8).abs() < 0.01, "{}", at(0.8));
        assert!((at(0.4) - 0.1).abs() < 0.01, "{}", at(0.4));
    }
}
