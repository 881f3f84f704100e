//! Learning the head from labelled comments.
//!
//! The same examples give the same bytes in whatever order they come and however often each is repeated.

use super::{
    CUES, Cues, EMOTIONS, Emotion, EmotionHead, EmotionSet, Encoding, LEVELS, MEANING_INPUTS, OUTPUTS, SentimentLevel,
    artefact::{FORMAT, Manifest},
    calibrate::{Calibration, Judged},
    layer::{Layer, Lesson, QuantisedLayer, Recipe, Target, Vector},
    meaning_vector,
    text::NgramTable,
    text_vector, understood,
};
use crate::features::extract;

/// Examples that are learnt from, or calibrated on.
pub const MAX_EXAMPLES: usize = 200_000;

/// Parts of the examples: what the text layer says of one part it has learnt from the others.
const FOLDS: usize = 3;

/// Both chosen on halves of the development rows, one to calibrate on and the other to measure.
const TEXT_RECIPE: Recipe = Recipe { epochs: 12, learning_rate: 0.4, l2: 4e-5 };
const MEANING_RECIPE: Recipe = Recipe { epochs: 8, learning_rate: 0.003, l2: 4e-3 };

/// A comment and the emotions that people found in it.
#[derive(Debug, Clone, Copy)]
pub struct Example<'data> {
    /// The comment.
    pub text: &'data str,
    /// Its emotions.
    pub emotions: EmotionSet,
    /// What the encoder says of it.
    pub encoding: Encoding<'data>,
}

/// Why a head cannot be learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There are too many examples.
    #[error("{given} examples exceed {MAX_EXAMPLES}; give fewer")]
    TooMany {
        /// Examples that were given.
        given: usize,
    },
    /// An emotion is missing.
    #[error("no example to {purpose} has the emotion {emotion:?}; give at least one")]
    Missing {
        /// The emotion.
        emotion: Emotion,
        /// What the examples are for.
        purpose: &'static str,
    },
}

/// Learns a head from `training` and calibrates it on `development`, which it does not learn from.
///
/// Takes about a millisecond and 2 KB an example, the encodings not counted.
///
/// # Errors
/// When there are more than [`MAX_EXAMPLES`] of either, or an emotion has none.
pub fn fit(training: &[Example<'_>], development: &[Example<'_>]) -> Result<EmotionHead, FitError> {
    let training = Lessons::of(training, "learn from")?;
    let development = Lessons::of(development, "calibrate on")?;

    let features: Vec<_> = training.examples.iter().map(|example| (extract(example.text), example.emotions)).collect();
    let ngrams = NgramTable::of(&features);
    drop(features);

    let vectors = training.texts(&ngrams);
    let texts = Texts { vectors: &vectors, lessons: &training };
    let text = texts.fit(&ngrams, |_| true);
    let said = texts.cross_fitted(&ngrams);
    let meaning = Meanings { lessons: &training, said: &said, centre: centre(&training) }.fit();

    let said: Vec<_> = development.texts(&ngrams).iter().map(|vector| text.logits(vector)).collect();
    let examples = development.examples.iter().zip(&said);
    let corrected = examples.map(|(example, said)| understood(&meaning, example.encoding, said));
    let manifest = Manifest {
        format: FORMAT,
        rows: training.examples.len() as u32,
        shares: training.shares(),
        text: Calibration::of(&development.judged(said.iter().copied())),
        meaning: Calibration::of(&development.judged(corrected)),
    };
    Ok(EmotionHead { manifest, ngrams, text, meaning })
}

/// Distinct examples in the order of their texts, which is the order of learning.
struct Lessons<'data> {
    examples: Vec<Example<'data>>,
    levels: Vec<SentimentLevel>,
}

impl<'data> Lessons<'data> {
    fn of(examples: &[Example<'data>], purpose: &'static str) -> Result<Self, FitError> {
        if examples.len() > MAX_EXAMPLES {
            return Err(FitError::TooMany { given: examples.len() });
        }
        let mut examples = examples.to_vec();
        examples.sort_by_key(|example| (example.text, example.emotions));
        examples.dedup_by_key(|example| (example.text, example.emotions));
        let missing = |emotion: &Emotion| !examples.iter().any(|example| example.emotions.contains(*emotion));
        if let Some(emotion) = Emotion::ALL.into_iter().find(missing) {
            return Err(FitError::Missing { emotion, purpose });
        }
        let levels =
            examples.iter().map(|example| SentimentLevel::of_labelled(example.text, example.emotions)).collect();
        Ok(Self { examples, levels })
    }

    fn texts(&self, ngrams: &NgramTable) -> Vec<Vector> {
        self.examples.iter().map(|example| text_vector(ngrams, example.text, &Cues::of(example.text))).collect()
    }

    fn target(&self, row: usize) -> Target {
        let mut target = [0.0; OUTPUTS];
        self.examples[row].emotions.iter().for_each(|emotion| target[emotion as usize] = 1.0);
        target[EMOTIONS + self.levels[row] as usize] = 1.0;
        target
    }

    fn shares(&self) -> [f32; LEVELS] {
        SentimentLevel::ALL.map(|level| {
            let with = self.levels.iter().filter(|other| **other == level).count();
            with as f32 / self.levels.len() as f32
        })
    }

    fn judged(&self, logits: impl Iterator<Item = [f32; OUTPUTS]>) -> Vec<Judged> {
        let truth = self.examples.iter().zip(&self.levels);
        truth
            .zip(logits)
            .map(|((example, level), logits)| Judged { logits, emotions: example.emotions, level: *level })
            .collect()
    }
}

/// What the text layer learns from.
struct Texts<'lessons> {
    vectors: &'lessons [Vector],
    lessons: &'lessons Lessons<'lessons>,
}

impl Lesson for Texts<'_> {
    fn write_inputs(&self, row: usize, vector: &mut Vector) {
        vector.clone_from(&self.vectors[row]);
    }

    fn said_before(&self, _row: usize) -> [f32; OUTPUTS] {
        [0.0; OUTPUTS]
    }

    fn target(&self, row: usize) -> Target {
        self.lessons.target(row)
    }
}

impl Texts<'_> {
    /// Fits the text layer to the rows that `learns` chooses.
    fn fit(&self, ngrams: &NgramTable, learns: impl Fn(usize) -> bool) -> QuantisedLayer {
        let rows: Vec<usize> = (0..self.vectors.len()).filter(|row| learns(*row)).collect();
        Layer::fit(ngrams.len() + CUES, &rows, self, &TEXT_RECIPE).quantise()
    }

    /// What a text layer says of each row that has not learnt from it.
    fn cross_fitted(&self, ngrams: &NgramTable) -> Vec<[f32; OUTPUTS]> {
        let layers: [QuantisedLayer; FOLDS] = std::array::from_fn(|fold| self.fit(ngrams, |row| row % FOLDS != fold));
        let rows = self.vectors.iter().enumerate();
        rows.map(|(row, vector)| layers[row % FOLDS].logits(vector)).collect()
    }
}

/// What the meaning layer learns from. Its encodings are centred, which is what gradient descent needs where all
/// vectors point roughly the same way.
struct Meanings<'lessons> {
    lessons: &'lessons Lessons<'lessons>,
    said: &'lessons [[f32; OUTPUTS]],
    centre: Vec<f32>,
}

impl Lesson for Meanings<'_> {
    fn write_inputs(&self, row: usize, vector: &mut Vector) {
        *vector = meaning_vector(self.lessons.examples[row].encoding);
        vector.iter_mut().zip(&self.centre).for_each(|((_, value), centre)| *value -= centre);
    }

    fn said_before(&self, row: usize) -> [f32; OUTPUTS] {
        self.said[row]
    }

    fn target(&self, row: usize) -> Target {
        self.lessons.target(row)
    }
}

impl Meanings<'_> {
    fn fit(&self) -> QuantisedLayer {
        let rows: Vec<usize> = (0..self.said.len()).collect();
        let mut layer = Layer::fit(MEANING_INPUTS, &rows, self, &MEANING_RECIPE);
        // Encodings that are served are not centred; the bias takes the centre in.
        for (weights, centre) in layer.weights.iter().zip(&self.centre) {
            layer.bias.iter_mut().zip(weights).for_each(|(bias, weight)| *bias -= centre * weight);
        }
        layer.quantise()
    }
}

/// Mean of the encodings as the meaning layer reads them.
fn centre(lessons: &Lessons<'_>) -> Vec<f32> {
    let mut sums = vec![0.0_f64; MEANING_INPUTS];
    for example in &lessons.examples {
        let values = meaning_vector(example.encoding);
        sums.iter_mut().zip(&values).for_each(|(sum, (_, value))| *sum += f64::from(*value));
    }
    sums.into_iter().map(|sum| (sum / lessons.examples.len() as f64) as f32).collect()
}
