//! From a prediction to what is done about it.
//!
//! The action is decided here, from numbers alone, and apart from the reply's text: no text, whoever wrote it,
//! can trigger one.

use romashka_learning::Tier;
use romashka_learning::emotion::{Emotion, SentimentLevel};
use romashka_learning::knowledge::SourceKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::AnswerId;
use crate::model::Thresholds;
use crate::{ModelId, Timestamp, TopicId};

/// The longest message that is answered, in characters.
pub const MAX_MESSAGE_CHARS: usize = 4_000;

/// At or above this confidence the top intent is acted upon.
pub const SURE: f64 = 0.5;

/// The top intent is acted upon only where it leads the runner-up by at least this confidence.
pub const GAP: f64 = 0.1;

/// Below [`SURE`], asking back helps only where the top intent stands clear of chance.
pub const WORTH_ASKING: f64 = 0.2;

/// Probability from which a topic is named.
pub const LIKELY_TOPIC: f64 = 0.2;

/// Probability of the likeliest topic from which a choice is offered.
pub const WORTH_CHOOSING: f64 = 0.25;

/// Share of the likeliest topic's probability from which another is offered.
pub const NEARLY_AS_LIKELY: f64 = 0.4;

/// Topics that a customer is offered, at most.
pub const MOST_CHOICES: usize = 3;

/// What should happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Answer the customer.
    Reply,
    /// Ask the customer which of the two intents is meant.
    Clarify,
    /// Let a person take over.
    HandOff,
}

/// Why a person should take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandOffReason {
    /// The message belongs to no intent the model knows.
    OutOfScope,
    /// The model cannot tell which intent it is.
    LowConfidence,
    /// The model knows no intents, and nothing it knows answers the message.
    NoAnswer,
}

/// An intent and how sure the model is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScoredIntent {
    /// The intent's name.
    pub intent: String,
    /// Calibrated probability, 0 to 1.
    pub confidence: f64,
}

/// A topic of the tenant's conversations, and how sure it is that a message is about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopicScore {
    /// The topic.
    pub id: TopicId,
    /// Its name.
    pub name: String,
    /// Probability, 0 to 1.
    pub confidence: f64,
    /// True where training found it and nobody has accepted it yet.
    pub induced: bool,
}

impl TopicScore {
    /// Returns true for a topic that is likely enough to be named.
    pub fn is_likely(&self) -> bool {
        self.confidence >= LIKELY_TOPIC
    }

    /// Returns true for a topic that stands for an intent where the model knows no labelled ones, for those lead.
    pub fn is_intent(&self) -> bool {
        !self.induced && self.confidence >= SURE
    }
}

/// The topics that a customer is asked to choose from, of some in the order of their likelihood: two or three, or none where
/// one is clear or all are unlikely.
pub fn choices(scored: &[TopicScore]) -> &[TopicScore] {
    let Some(first) = scored.first().filter(|first| first.confidence >= WORTH_CHOOSING) else { return &[] };
    let near = scored.iter().take(MOST_CHOICES).take_while(|it| it.confidence >= NEARLY_AS_LIKELY * first.confidence);
    match near.count() {
        0 | 1 => &[],
        count => &scored[..count],
    }
}

/// What the deployed model makes of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Identifies the decision.
    pub id: AnswerId,
    /// The likeliest intent; `null` where the message is out of scope or the model knows no intents. Where it has no labelled
    /// ones, an accepted topic that the message is surely about.
    pub intent: Option<String>,
    /// Calibrated probability of the likeliest intent, 0 to 1; 0 where the model knows none.
    pub confidence: f64,
    /// The second likeliest intent.
    pub runner_up: Option<ScoredIntent>,
    /// What the likeliest intent's confidence exceeds the runner-up's by, 0 to 1.
    pub margin: f64,
    /// Whether the message belongs to none of the model's intents.
    pub out_of_scope: bool,
    /// The likeliest topic of the tenant's own conversations; absent where none is likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicScore>,
    /// With `clarify` the two or three topics that the customer may choose from, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<TopicScore>,
    /// What should happen next.
    pub action: Action,
    /// Why a person should take over; only with `hand_off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<HandOffReason>,
    /// With the action `reply` an answer drafted from the training data, where the data holds one; with `clarify` the
    /// question that people ask back, where they always do, or which of the `choices` is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The message's language, as the two letters of ISO 639-1; absent where it could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How the customer sounds.
    pub mood: Mood,
    /// Where the decision comes from.
    pub provenance: Provenance,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a customer sounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mood {
    /// The sentiment, in five levels from very negative to very positive.
    pub sentiment: SentimentLevel,
    /// The mean of the levels, −1 to 1.
    pub score: f64,
    /// Probability of the level, 0 to 1.
    pub confidence: f64,
    /// Emotions that are present, the surest first, at most three.
    pub emotions: Vec<FeltEmotion>,
}

/// An emotion in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeltEmotion {
    /// The emotion.
    pub emotion: Emotion,
    /// Its probability, 0 to 1.
    pub confidence: f64,
}

/// A text that a drafted reply rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplySource {
    /// Whether it was written as an answer or said in a conversation.
    pub kind: SourceKind,
    /// The upload that brought it.
    pub upload_id: String,
    /// Its row there.
    pub row: u64,
}

/// Where a decision comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The model version.
    pub model_id: ModelId,
    /// Its artefact.
    pub model_hash: String,
    /// Which tier of the model judged: `fast` where n-grams and the static embedding were sure enough, else `full`;
    /// absent where the model knows no intents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// How familiar the message is, in standard deviations of in-scope messages; with tier `fast`, the confidence.
    pub score: f64,
    /// Below this score a message is out of scope (or, with tier `fast`, would have gone on to the full tier); `null`
    /// where the training data gave nothing to set it by.
    pub threshold: Option<f64>,
    /// The limits in force.
    pub thresholds: Thresholds,
    /// What the reply rests on; empty where there is none, or where it is the intent's standing reply.
    pub sources: Vec<ReplySource>,
    /// Probability that the reply answers the message, 0 to 1; only with sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_confidence: Option<f64>,
    /// The language model's part in the reply; absent where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_model: Option<LanguageModelUse>,
}

/// A language model's part in a reply. It writes words and decides nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LanguageModelUse {
    /// The model.
    pub model: String,
    /// Tokens of the prompt; absent where the endpoint does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u32>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
    /// Cost in millionths of a US dollar; absent where no price is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
    /// Milliseconds it took.
    pub millis: u64,
    /// The reason why its words were not used; absent where they are the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// What a decision goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grounds {
    /// What the intents say; `None` where the model knows none.
    pub intent: Option<IntentGrounds>,
    /// The tenant's text that answers the message; `None` where none does.
    pub answer: Option<TextGrounds>,
    /// The question that people ask such customers back; `None` where they ask none.
    pub question: Option<TextGrounds>,
    /// Topics that the customer could be asked to choose from: none, two or three.
    pub choices: usize,
}

/// A text that may be given.
#[derive(Clone, Copy, Debug)]
pub struct TextGrounds {
    /// Its kind: past replies have a threshold of their own.
    pub kind: SourceKind,
    /// Probability that it is right, 0 to 1.
    pub probability: f64,
}

impl TextGrounds {
    /// Returns true if the text is sure enough to be given.
    pub fn reaches(&self, thresholds: &Thresholds) -> bool {
        let threshold = if self.kind == SourceKind::Reply { thresholds.reply } else { thresholds.curated };
        self.probability >= threshold
    }
}

/// What the intents say of a message.
#[derive(Clone, Copy, Debug)]
pub struct IntentGrounds {
    /// Whether the message belongs to none of them.
    pub out_of_scope: bool,
    /// Calibrated probability of the likeliest, 0 to 1.
    pub confidence: f64,
    /// What it exceeds the runner-up's by, 0 to 1.
    pub margin: f64,
}

/// Decides what should happen next.
///
/// A text that surely answers the message outweighs that no intent is sure: an FAQ need not be covered by intents.
pub fn decide(grounds: Grounds, thresholds: &Thresholds) -> (Action, Option<HandOffReason>) {
    let is_sure = |intent: &IntentGrounds| {
        !intent.out_of_scope && intent.confidence >= thresholds.sure && intent.margin >= thresholds.gap
    };
    if grounds.intent.as_ref().is_some_and(is_sure) || grounds.answer.is_some_and(|answer| answer.reaches(thresholds)) {
        return (Action::Reply, None);
    }
    if grounds.question.is_some_and(|question| question.reaches(thresholds)) {
        return (Action::Clarify, None);
    }
    if grounds.choices > 1 {
        return (Action::Clarify, None);
    }
    match grounds.intent {
        None => (Action::HandOff, Some(HandOffReason::NoAnswer)),
        Some(intent) if intent.out_of_scope => (Action::HandOff, Some(HandOffReason::OutOfScope)),
        Some(intent) if intent.confidence >= WORTH_ASKING => (Action::Clarify, None),
        Some(_) => (Action::HandOff, Some(HandOffReason::LowConfidence)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decided(out_of_scope: bool, confidence: f64, margin: f64) -> (Action, Option<HandOffReason>) {
        let intent = Some(IntentGrounds { out_of_scope, confidence, margin });
        decide(Grounds { intent, ..Grounds::default() }, &Thresholds::default())
    }

    #[test]
    fn what_is_out_of_scope_goes_to_a_person_however_sure_the_head_is() {
        assert_eq!(decided(true, 0.99, 0.99), (Action::HandOff, Some(HandOffReason::OutOfScope)));
    }

    #[test]
    fn between_sure_and_lost_the_customer_is_asked() {
        assert_eq!(decided(false, 0.5, 0.4), (Action::Reply, None));
        assert_eq!(decided(false, 0.49, 0.4), (Action::Clarify, None));
        assert_eq!(decided(false, 0.19, 0.1), (Action::HandOff, Some(HandOffReason::LowConfidence)));
    }

    #[test]
    fn where_two_intents_are_close_the_customer_is_asked_which() {
        assert_eq!(decided(false, 0.52, 0.09), (Action::Clarify, None));
    }

    #[test]
    fn a_text_that_surely_answers_is_given_whatever_the_intents_say() {
        let lost = IntentGrounds { out_of_scope: true, confidence: 0.1, margin: 0.0 };
        for intent in [None, Some(lost)] {
            let decided = |probability| {
                let answer = Some(TextGrounds { kind: SourceKind::Faq, probability });
                decide(Grounds { intent, answer, ..Grounds::default() }, &Thresholds::default())
            };
            assert_eq!(decided(0.6), (Action::Reply, None));
            assert_eq!(decided(0.49).0, Action::HandOff);
        }
        assert_eq!(decide(Grounds::default(), &Thresholds::default()).1, Some(HandOffReason::NoAnswer));
    }

    fn score(number: usize, confidence: f64) -> TopicScore {
        let id = TopicId::found(ModelId::new(uuid::Uuid::nil()), number);
        TopicScore { id, name: format!("topic {number}"), confidence, induced: true }
    }

    #[test]
    fn a_customer_chooses_between_the_likeliest_topics_and_not_where_one_is_clear() {
        assert_eq!(choices(&[score(0, 0.4), score(1, 0.3), score(2, 0.2), score(3, 0.19)]).len(), 3);
        assert_eq!(choices(&[score(0, 0.4), score(1, 0.2), score(2, 0.1)]).len(), 2);
        for clear_or_unlikely in [vec![score(0, 0.4), score(1, 0.1)], vec![score(0, 0.2), score(1, 0.2)], vec![]] {
            assert!(choices(&clear_or_unlikely).is_empty(), "{clear_or_unlikely:?}");
        }
    }

    #[test]
    fn where_topics_are_near_the_customer_is_asked_which() {
        let with = |choices| decide(Grounds { choices, ..Grounds::default() }, &Thresholds::default());
        assert_eq!(with(2), (Action::Clarify, None));
        assert_eq!(with(0).0, Action::HandOff);
    }

    proptest! {
        #[test]
        fn a_hand_off_always_says_why(
            intent in prop::option::of((any::<bool>(), 0.0f64..=1.0, 0.0f64..=1.0)),
            answer in prop::option::of(0.0f64..=1.0),
            choices in 0usize..=3,
        ) {
            let answer = answer.map(|probability| TextGrounds { kind: SourceKind::Reply, probability });
            let grounds = |(out_of_scope, confidence, margin)| IntentGrounds { out_of_scope, confidence, margin };
            let grounds = Grounds { intent: intent.map(grounds), answer, question: None, choices };
            let (action, reason) = decide(grounds, &Thresholds::default());
            prop_assert_eq!(action == Action::HandOff, reason.is_some());
        }
    }
}
