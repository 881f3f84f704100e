//! How a message feels: five levels of sentiment, and the 27 emotions of GoEmotions beside "neutral".
//!
//! One head is shipped for every tenant, because nobody labels their customers' feelings. It was learnt from GoEmotions
//! (Demszky et al. 2020, 58 thousand comments; Apache-2.0) by [`fit`] and is part of the binary
//! ([`EmotionHead::shipped`]).
//!
//! # What it reads
//! Two layers of multi-label logistic regression:
//!
//! 1. the *text layer* reads some thousand n-grams that tell emotions apart (chosen by χ², known by their hash) and
//!    cues such as negation, emphasis and faces. It needs nothing but the text;
//! 2. the *meaning layer* reads the encoder's sentence and middle layer ([`Encoding`]) and corrects what the text layer
//!    said. It learnt to do so from texts that the text layer it corrected had not seen (stacking; Wolpert 1992).
//!
//! Where there is no encoding the text layer answers alone, with a calibration of its own.
//!
//! # Emotions
//! Each emotion has its own confidence, calibrated by Platt's sigmoid, and counts as present from the threshold that
//! gave the best F1 on the development rows. Rare emotions are not weighted up while learning, which would spoil
//! the confidences; a threshold of their own is what keeps them from being drowned.
//!
//! # Levels
//! GoEmotions has no levels, so they come from its emotions, by the published grouping into positive, negative,
//! ambiguous and neutral ([`Emotion::polarity`]):
//!
//! - a comment has the polarity of most of its emotions. Ambiguous and neutral ones have no say, and a comment with
//!   as many positive as negative ones is neutral;
//! - it is *very* positive or negative when one of those emotions is a strong one ([`Emotion::is_strong`]), or the
//!   text is emphatic: two exclamation marks, a shouted or drawn-out word, or a word such as "extremely".
//!
//! A softmax over the five levels learns this from the same features, and its temperature is calibrated. So the three
//! polarities are measured against people's judgement, and the step to "very" against our definition of it.
//!
//! # Another tenant, another prior
//! Comments are neutral more often than complaints are. [`SentimentPrior`] learns a tenant's shares of the levels from
//! messages that nobody labelled and corrects every probability by them.

mod artefact;
mod calibrate;
mod cues;
mod fit;
mod layer;
pub mod prior;
mod text;

use serde::{Deserialize, Serialize};

use self::{
    artefact::Manifest,
    cues::{CUES, Cues, Emphasis},
    layer::{QuantisedLayer, Vector},
    text::NgramTable,
};
pub use self::{
    fit::{Example, FitError, MAX_EXAMPLES, fit},
    prior::SentimentPrior,
};
use crate::{embedding::DIMENSIONS, features::extract, model::ArtefactError};

/// Bytes of a stored head.
pub const MAX_BYTES: usize = 400 * 1024;

/// Emotions, "neutral" included.
pub const EMOTIONS: usize = 28;
/// Levels of sentiment.
pub const LEVELS: usize = 5;
/// What a layer says of a text: the logits of all emotions, then those of the levels.
const OUTPUTS: usize = EMOTIONS + LEVELS;

/// Inputs of the meaning layer: sentence and middle layer.
const MEANING_INPUTS: usize = 2 * DIMENSIONS;
/// Brings the values of a unit vector, about 1 / √384 each, to a half, a size that gradient descent is at ease with.
const MEANING_SCALE: f32 = 10.0;

static SHIPPED: &[u8] = include_bytes!("../assets/emotion.safetensors");

/// An emotion of GoEmotions, in the data set's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the data set's, and its paper defines them")]
pub enum Emotion {
    Admiration,
    Amusement,
    Anger,
    Annoyance,
    Approval,
    Caring,
    Confusion,
    Curiosity,
    Desire,
    Disappointment,
    Disapproval,
    Disgust,
    Embarrassment,
    Excitement,
    Fear,
    Gratitude,
    Grief,
    Joy,
    Love,
    Nervousness,
    Optimism,
    Pride,
    Realization,
    Relief,
    Remorse,
    Sadness,
    Surprise,
    Neutral,
}

/// Which way an emotion points, as its publishers group them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// Something is wrong.
    Negative,
    /// No feeling is shown.
    Neutral,
    /// A feeling that can go either way, such as surprise.
    Ambiguous,
    /// Something is right.
    Positive,
}

impl Emotion {
    /// All of them, in the data set's order.
    pub const ALL: [Self; EMOTIONS] = [
        Self::Admiration,
        Self::Amusement,
        Self::Anger,
        Self::Annoyance,
        Self::Approval,
        Self::Caring,
        Self::Confusion,
        Self::Curiosity,
        Self::Desire,
        Self::Disappointment,
        Self::Disapproval,
        Self::Disgust,
        Self::Embarrassment,
        Self::Excitement,
        Self::Fear,
        Self::Gratitude,
        Self::Grief,
        Self::Joy,
        Self::Love,
        Self::Nervousness,
        Self::Optimism,
        Self::Pride,
        Self::Realization,
        Self::Relief,
        Self::Remorse,
        Self::Sadness,
        Self::Surprise,
        Self::Neutral,
    ];

    /// The emotion's group in GoEmotions.
    #[must_use]
    pub const fn polarity(self) -> Polarity {
        match self {
            Self::Admiration
            | Self::Amusement
            | Self::Approval
            | Self::Caring
            | Self::Desire
            | Self::Excitement
            | Self::Gratitude
            | Self::Joy
            | Self::Love
            | Self::Optimism
            | Self::Pride
            | Self::Relief => Polarity::Positive,
            Self::Anger
            | Self::Annoyance
            | Self::Disappointment
            | Self::Disapproval
            | Self::Disgust
            | Self::Embarrassment
            | Self::Fear
            | Self::Grief
            | Self::Nervousness
            | Self::Remorse
            | Self::Sadness => Polarity::Negative,
            Self::Confusion | Self::Curiosity | Self::Realization | Self::Surprise => Polarity::Ambiguous,
            Self::Neutral => Polarity::Neutral,
        }
    }

    /// Whether the emotion makes a message very positive or very negative whatever its tone. Our choice: the data set
    /// knows no strength.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::Anger | Self::Disgust | Self::Grief | Self::Excitement | Self::Joy | Self::Love)
    }
}

/// A set of emotions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EmotionSet(u32);

impl EmotionSet {
    /// Whether the emotion is one of them.
    #[must_use]
    pub const fn contains(self, emotion: Emotion) -> bool {
        self.0 & (1 << emotion as u32) != 0
    }

    /// The emotions, in the data set's order.
    pub fn iter(self) -> impl Iterator<Item = Emotion> {
        Emotion::ALL.into_iter().filter(move |emotion| self.contains(*emotion))
    }

    /// Emotions that point this way.
    fn pointing(self, polarity: Polarity) -> usize {
        self.iter().filter(|emotion| emotion.polarity() == polarity).count()
    }
}

impl FromIterator<Emotion> for EmotionSet {
    fn from_iter<Emotions: IntoIterator<Item = Emotion>>(emotions: Emotions) -> Self {
        Self(emotions.into_iter().fold(0, |set, emotion| set | 1 << emotion as u32))
    }
}

/// How good or bad a message feels, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentimentLevel {
    /// Anger, disgust or grief, or an emphatic complaint.
    VeryNegative,
    /// Such as disappointment or worry.
    Negative,
    /// No feeling, one that can go either way, or as much good as bad.
    Neutral,
    /// Such as approval or gratitude.
    Positive,
    /// Joy, love or excitement, or emphatic praise.
    VeryPositive,
}

impl SentimentLevel {
    /// All of them, from worst to best.
    pub const ALL: [Self; LEVELS] =
        [Self::VeryNegative, Self::Negative, Self::Neutral, Self::Positive, Self::VeryPositive];

    /// Where the level lies between −1 and 1.
    #[must_use]
    pub const fn score(self) -> f32 {
        match self {
            Self::VeryNegative => -1.0,
            Self::Negative => -0.5,
            Self::Neutral => 0.0,
            Self::Positive => 0.5,
            Self::VeryPositive => 1.0,
        }
    }

    /// The level without its strength; never [`Polarity::Ambiguous`], which counts as neutral here.
    #[must_use]
    pub const fn polarity(self) -> Polarity {
        match self {
            Self::VeryNegative | Self::Negative => Polarity::Negative,
            Self::Neutral => Polarity::Neutral,
            Self::Positive | Self::VeryPositive => Polarity::Positive,
        }
    }

    /// The level of a labelled text, by the rule in the [module's](self) head.
    #[must_use]
    pub fn of_labelled(text: &str, emotions: EmotionSet) -> Self {
        Self::of(emotions, Cues::of(text).emphasis())
    }

    fn of(emotions: EmotionSet, emphasis: Emphasis) -> Self {
        let (positive, negative) = (emotions.pointing(Polarity::Positive), emotions.pointing(Polarity::Negative));
        let strong = |polarity| {
            emphasis == Emphasis::Emphatic
                || emotions.iter().any(|emotion| emotion.is_strong() && emotion.polarity() == polarity)
        };
        match positive.cmp(&negative) {
            std::cmp::Ordering::Equal => Self::Neutral,
            std::cmp::Ordering::Greater if strong(Polarity::Positive) => Self::VeryPositive,
            std::cmp::Ordering::Greater => Self::Positive,
            std::cmp::Ordering::Less if strong(Polarity::Negative) => Self::VeryNegative,
            std::cmp::Ordering::Less => Self::Negative,
        }
    }
}

/// What the encoder says of a text: vectors of length one.
#[derive(Debug, Clone, Copy)]
pub struct Encoding<'vectors> {
    /// Mean of the last layer.
    pub sentence: &'vectors [f32; DIMENSIONS],
    /// Mean of the third layer, which keeps more of the tone.
    pub middle: &'vectors [f32; DIMENSIONS],
}

/// How likely each level is, from worst to best; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelProbabilities(pub [f32; LEVELS]);

impl LevelProbabilities {
    /// Reads the sentiment off: of the likeliest polarity the likelier strength.
    #[must_use]
    pub fn sentiment(&self) -> Sentiment {
        let [very_negative, negative, neutral, positive, very_positive] = self.0;
        let (below, above) = (very_negative + negative, positive + very_positive);
        let level = if below > neutral && below > above {
            if very_negative > negative { SentimentLevel::VeryNegative } else { SentimentLevel::Negative }
        } else if above > neutral && above > below {
            if very_positive > positive { SentimentLevel::VeryPositive } else { SentimentLevel::Positive }
        } else {
            SentimentLevel::Neutral
        };
        let polarity_confidence = match level.polarity() {
            Polarity::Negative => below,
            Polarity::Positive => above,
            Polarity::Neutral | Polarity::Ambiguous => neutral,
        };
        let score = SentimentLevel::ALL.iter().zip(&self.0).map(|(level, share)| level.score() * share).sum();
        Sentiment { level, score, confidence: self.0[level as usize], polarity_confidence }
    }
}

/// The sentiment of a message.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// The level.
    pub level: SentimentLevel,
    /// The mean of the levels' scores, each as likely as it is: −1 to 1.
    pub score: f32,
    /// Calibrated probability of the level, 0 to 1.
    pub confidence: f32,
    /// Calibrated probability that the message is negative, neutral or positive as the level says, 0 to 1.
    pub polarity_confidence: f32,
}

/// One emotion in one message.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EmotionConfidence {
    /// The emotion.
    pub emotion: Emotion,
    /// Calibrated probability that a reader would find it, 0 to 1.
    pub confidence: f32,
    /// Whether the confidence reaches the emotion's own threshold.
    pub present: bool,
}

/// What the head makes of a message, before any tenant's prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impression {
    /// Every emotion, in the data set's order.
    pub emotions: [EmotionConfidence; EMOTIONS],
    /// How likely each level is where the shipped prior holds.
    pub levels: LevelProbabilities,
}

impl Impression {
    /// The sentiment where this prior holds.
    #[must_use]
    pub fn sentiment(&self, prior: &SentimentPrior) -> Sentiment {
        prior.adjust(&self.levels).sentiment()
    }

    /// The emotions that are present.
    #[must_use]
    pub fn present(&self) -> EmotionSet {
        self.emotions.iter().filter(|emotion| emotion.present).map(|emotion| emotion.emotion).collect()
    }
}

/// A fitted head. Immutable; safe to share between requests.
#[derive(Debug, Clone, PartialEq)]
pub struct EmotionHead {
    manifest: Manifest,
    ngrams: NgramTable,
    text: QuantisedLayer,
    meaning: QuantisedLayer,
}

impl EmotionHead {
    /// The head that is part of this binary. Loading takes about a millisecond: do it once.
    ///
    /// # Errors
    /// Never with a released binary, of which a test makes sure; otherwise as [`EmotionHead::from_bytes`].
    pub fn shipped() -> Result<Self, ArtefactError> {
        Self::from_bytes(Self::shipped_bytes())
    }

    /// The stored form of [`EmotionHead::shipped`].
    #[must_use]
    pub fn shipped_bytes() -> &'static [u8] {
        SHIPPED
    }

    /// The prior of the rows that the head learnt from: where to begin.
    #[must_use]
    pub fn prior(&self) -> SentimentPrior {
        SentimentPrior::of_shares(self.manifest.shares)
    }

    /// Judges a message by its text and, where the encoder is at hand, by its meaning.
    #[must_use]
    pub fn impression(&self, text: &str, encoding: Option<Encoding<'_>>) -> Impression {
        let said = self.text.logits(&text_vector(&self.ngrams, text, &Cues::of(text)));
        let Some(encoding) = encoding else {
            return self.manifest.text.judge(&said);
        };
        self.manifest.meaning.judge(&understood(&self.meaning, encoding, &said))
    }
}

/// What the text layer reads: n-grams by their position, then cues.
fn text_vector(ngrams: &NgramTable, text: &str, cues: &Cues) -> Vector {
    let mut vector = ngrams.weigh(&extract(text));
    let first_cue = ngrams.len() as u32;
    let cues = (first_cue..).zip(cues.values().iter().copied());
    vector.extend(cues.filter(|(_, value)| *value != 0.0));
    vector
}

/// What the meaning layer reads. Values that are not finite, which no encoder should give, count as 0.
fn meaning_vector(encoding: Encoding<'_>) -> Vector {
    let meaning = encoding.sentence.iter().chain(encoding.middle);
    (0..).zip(meaning.map(|value| if value.is_finite() { value * MEANING_SCALE } else { 0.0 })).collect()
}

/// What the text layer said, corrected by what the text means.
fn understood(meaning: &QuantisedLayer, encoding: Encoding<'_>, said: &[f32; OUTPUTS]) -> [f32; OUTPUTS] {
    let correction = meaning.logits(&meaning_vector(encoding));
    std::array::from_fn(|output| said[output] + correction[output])
}

#[cfg(test)]
mod tests;
