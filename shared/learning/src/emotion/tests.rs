use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Openings that say nothing, so that every made-up comment is another text.
const OPENINGS: [&str; 6] = ["", "well, ", "to be honest ", "my flatmate says ", "again, ", "as of today "];

/// Comments with an emotion, in words that tell it.
const COMMENTS: [(&str, Emotion); EMOTIONS] = [
    ("what a brilliant and skilful painter", Emotion::Admiration),
    ("lol that joke about the ferry", Emotion::Amusement),
    ("I am furious about this bill", Emotion::Anger),
    ("stop ringing me, it is annoying", Emotion::Annoyance),
    ("yes, that is a good plan", Emotion::Approval),
    ("take care of yourself, dear", Emotion::Caring),
    ("I do not understand this form", Emotion::Confusion),
    ("how does the ferry dock at night", Emotion::Curiosity),
    ("I wish I had a garden", Emotion::Desire),
    ("the hotel was a letdown", Emotion::Disappointment),
    ("no, you should not do that", Emotion::Disapproval),
    ("the soup was revolting and gross", Emotion::Disgust),
    ("I blushed before the whole class", Emotion::Embarrassment),
    ("cannot wait for the festival", Emotion::Excitement),
    ("I am scared of the dark cellar", Emotion::Fear),
    ("thank you for the new key", Emotion::Gratitude),
    ("we mourn our grandmother", Emotion::Grief),
    ("such a happy wedding day", Emotion::Joy),
    ("I love my old bicycle", Emotion::Love),
    ("nervous about tomorrow's exam", Emotion::Nervousness),
    ("I hope it will be sunny", Emotion::Optimism),
    ("proud of what we built", Emotion::Pride),
    ("I just realised it is Tuesday", Emotion::Realization),
    ("phew, the letter arrived after all", Emotion::Relief),
    ("sorry, it was my mistake", Emotion::Remorse),
    ("I cried when the cat left", Emotion::Sadness),
    ("wow, a parcel from Peru", Emotion::Surprise),
    ("the shop opens at nine", Emotion::Neutral),
];

/// A made-up comment and what a made-up encoder says of it.
struct Comment {
    text: String,
    emotions: EmotionSet,
    vector: [f32; DIMENSIONS],
}

impl Comment {
    fn example(&self) -> Example<'_> {
        Example {
            text: &self.text,
            emotions: self.emotions,
            encoding: Encoding { sentence: &self.vector, middle: &self.vector },
        }
    }
}

fn comments() -> Vec<Comment> {
    let comment = |opening: &str, text: &str, emotion: Emotion| Comment {
        text: format!("{opening}{text}"),
        emotions: EmotionSet::from_iter([emotion]),
        vector: std::array::from_fn(|at| {
            if at % EMOTIONS == emotion as usize { 0.27 } else { 0.001 * opening.len() as f32 }
        }),
    };
    OPENINGS
        .iter()
        .flat_map(|opening| COMMENTS.iter().map(move |(text, emotion)| comment(opening, text, *emotion)))
        .collect()
}

fn learnt(training: &[Example<'_>]) -> EmotionHead {
    fit(training, training).unwrap()
}

static HEAD: LazyLock<EmotionHead> =
    LazyLock::new(|| learnt(&comments().iter().map(Comment::example).collect::<Vec<_>>()));

fn set(emotions: &[Emotion]) -> EmotionSet {
    emotions.iter().copied().collect()
}

#[test]
fn the_shipped_head_is_sound_and_small() {
    let head = EmotionHead::shipped().unwrap();
    assert!(EmotionHead::shipped_bytes().len() <= MAX_BYTES);
    assert_eq!(head.to_bytes().unwrap(), EmotionHead::shipped_bytes());
    assert!((head.prior().shares().iter().sum::<f32>() - 1.0).abs() < 1e-3);
}

#[test]
fn the_shipped_head_tells_praise_from_a_complaint_without_an_encoder() {
    let head = EmotionHead::shipped().unwrap();
    let sentiment = |text: &str| head.impression(text, None).sentiment(&head.prior());
    assert_eq!(sentiment("Thank you so much, the new router is great").level.polarity(), Polarity::Positive);
    assert_eq!(sentiment("This is the worst service ever, I am furious").level, SentimentLevel::VeryNegative);
    assert_eq!(sentiment("The shop opens at nine on Mondays.").level, SentimentLevel::Neutral);
    assert!(sentiment("This is great").score > sentiment("This is not great").score);
    let thanks = head.impression("Thanks a lot for your help", None);
    assert!(thanks.present().contains(Emotion::Gratitude));
    assert!(!thanks.present().contains(Emotion::Anger));
}

#[test]
fn a_level_has_the_polarity_of_most_emotions_and_strength_from_them_or_from_the_tone() {
    use Emotion::{Anger, Annoyance, Gratitude, Joy, Surprise};
    let level = |text: &str, emotions: &[Emotion]| SentimentLevel::of_labelled(text, set(emotions));
    assert_eq!(level("late again", &[Annoyance]), SentimentLevel::Negative);
    assert_eq!(level("late again", &[Annoyance, Surprise]), SentimentLevel::Negative);
    assert_eq!(level("late again", &[Anger]), SentimentLevel::VeryNegative);
    assert_eq!(level("LATE again", &[Annoyance]), SentimentLevel::VeryNegative);
    assert_eq!(level("thanks", &[Gratitude]), SentimentLevel::Positive);
    assert_eq!(level("thanks!!", &[Gratitude]), SentimentLevel::VeryPositive);
    assert_eq!(level("late but well", &[Annoyance, Joy]), SentimentLevel::Neutral);
    assert_eq!(level("LATE", &[Surprise]), SentimentLevel::Neutral);
}

#[test]
fn a_strong_emotion_of_the_minority_does_not_make_a_level_a_strong_one() {
    let mixed = set(&[Emotion::Annoyance, Emotion::Sadness, Emotion::Joy]);
    assert_eq!(SentimentLevel::of_labelled("oh well", mixed), SentimentLevel::Negative);
}

#[test]
fn a_sentiment_is_of_the_likeliest_polarity_even_where_neutral_is_the_likeliest_level() {
    let sentiment = LevelProbabilities([0.25, 0.3, 0.35, 0.05, 0.05]).sentiment();
    assert_eq!(sentiment.level, SentimentLevel::Negative);
    assert!((sentiment.confidence - 0.3).abs() < 1e-6);
    assert!((sentiment.polarity_confidence - 0.55).abs() < 1e-6);
    assert!((sentiment.score - (-0.25 - 0.15 + 0.025 + 0.05)).abs() < 1e-6);
}

#[test]
fn the_same_comments_in_any_order_and_number_give_the_same_bytes() {
    let comments = comments();
    let mut examples: Vec<_> = comments.iter().map(Comment::example).collect();
    examples.reverse();
    examples.extend_from_within(10..20);
    assert_eq!(learnt(&examples).to_bytes(), HEAD.to_bytes());
}

#[test]
fn what_was_learnt_is_recognised_in_text_and_in_meaning() {
    let comments = comments();
    let polarity = |comment: &Comment, encoding| {
        HEAD.impression(&comment.text, encoding).sentiment(&HEAD.prior()).level.polarity()
    };
    for encoded in [true, false] {
        let right = comments.iter().filter(|comment| {
            let found = polarity(comment, encoded.then_some(comment.example().encoding));
            found == SentimentLevel::of_labelled(&comment.text, comment.emotions).polarity()
        });
        assert!(right.count() * 10 > comments.len() * 9);
    }
}

#[test]
fn an_emotion_without_an_example_is_named() {
    let comments = comments();
    let without_grief: Vec<_> =
        comments.iter().filter(|c| !c.emotions.contains(Emotion::Grief)).map(Comment::example).collect();
    let refused = fit(&without_grief, &without_grief).unwrap_err();
    assert_eq!(refused, FitError::Missing { emotion: Emotion::Grief, purpose: "learn from" });
}

#[test]
fn a_loaded_head_is_the_stored_one() {
    let bytes = HEAD.to_bytes().unwrap();
    assert_eq!(EmotionHead::from_bytes(&bytes).unwrap(), *HEAD);
}

#[test]
fn a_truncated_head_is_refused() {
    let bytes = HEAD.to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(499).chain([bytes.len() - 1]) {
        assert!(EmotionHead::from_bytes(&bytes[..length]).is_err(), "{length} bytes were accepted");
    }
    assert!(EmotionHead::from_bytes(&vec![0; MAX_BYTES + 1]).is_err());
}

#[test]
fn an_encoding_that_is_no_number_is_no_panic() {
    let broken = [f32::NAN; DIMENSIONS];
    let impression = HEAD.impression("the shop opens", Some(Encoding { sentence: &broken, middle: &broken }));
    assert!(impression.levels.0.iter().all(|share| share.is_finite()));
}

proptest! {
    #[test]
    fn every_message_gets_a_sound_answer(text in "(\\PC|[a-z !?']){0,200}", value in -1e3_f32..1e3) {
        let vector = [value; DIMENSIONS];
        for encoding in [None, Some(Encoding { sentence: &vector, middle: &vector })] {
            let impression = HEAD.impression(&text, encoding);
            prop_assert!(impression.emotions.iter().all(|felt| (0.0..=1.0).contains(&felt.confidence)));
            prop_assert!((impression.levels.0.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            let sentiment = impression.sentiment(&HEAD.prior());
            prop_assert!((-1.0..=1.0).contains(&sentiment.score));
            prop_assert!((0.0..=1.0).contains(&sentiment.confidence));
            prop_assert!(sentiment.polarity_confidence >= sentiment.confidence - 1e-6);
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_gives_another_whole_head(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = HEAD.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(head) = EmotionHead::from_bytes(&bytes) {
            let _ = head.impression("thank you for nothing", None);
            prop_assert_eq!(EmotionHead::from_bytes(&head.to_bytes().unwrap()), Ok(head));
        }
    }

    #[test]
    fn garbage_is_never_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(EmotionHead::from_bytes(&garbage).is_err());
    }
}
