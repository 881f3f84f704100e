//! How a customer sounds.

use std::sync::LazyLock;

use romashka_domain::answer::{FeltEmotion, Mood};
use romashka_http::Problem;
use romashka_learning::Message;
use romashka_learning::emotion::{Emotion, EmotionHead, Encoding};

/// Emotions that are told.
const MAX_EMOTIONS: usize = 3;

static HEAD: LazyLock<Option<EmotionHead>> = LazyLock::new(|| EmotionHead::shipped().ok());

/// How a message sounds. Where the model had it encoded, by its meaning too; the fast tier's answers do not wait for it.
pub fn of(text: &str, message: &Message<'_>) -> Result<Mood, Problem> {
    let head = HEAD.as_ref().ok_or_else(|| Problem::internal("the shipped emotion head is not readable"))?;
    let encoding =
        message.encoding_so_far().map(|encoding| Encoding { sentence: &encoding.sentence, middle: &encoding.middle });
    let impression = head.impression(text, encoding);
    let sentiment = impression.sentiment(&head.prior());
    let mut emotions: Vec<FeltEmotion> = impression
        .emotions
        .iter()
        .filter(|felt| felt.present && felt.emotion != Emotion::Neutral)
        .map(|felt| FeltEmotion { emotion: felt.emotion, confidence: f64::from(felt.confidence) })
        .collect();
    emotions.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    emotions.truncate(MAX_EMOTIONS);
    Ok(Mood {
        sentiment: sentiment.level,
        score: f64::from(sentiment.score),
        confidence: f64::from(sentiment.confidence),
        emotions,
    })
}
