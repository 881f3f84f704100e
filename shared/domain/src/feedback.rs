//! What people say of an answer, and what can be learnt from it.
//!
//! One answer has one feedback, which may be given anew. Answers are not stored, so whoever corrects an intent sends the
//! message again; that makes a [`Correction`], which waits until it is gathered into an upload and trains like any
//! other row. An edited reply does not train: it was written for one customer and may hold what is theirs.

use romashka_ingest::Record;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::AnswerId;
use crate::{Timestamp, UserId};

/// The longest name of an intent, in characters; uploads allow the same.
pub const MAX_INTENT_CHARS: usize = 100;

/// The longest edited reply, in characters.
pub const MAX_REPLY_CHARS: usize = 4_000;

/// How a customer may rate an answer: from the worst to the best.
pub const CSAT: std::ops::RangeInclusive<u8> = 1..=5;

/// Whether an answer helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thumbs {
    /// It did.
    Up,
    /// It did not.
    Down,
}

/// What somebody says of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Opinion {
    /// Whether it helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbs: Option<Thumbs>,
    /// The customer's satisfaction, 1 (worst) to 5 (best).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5)]
    pub csat: Option<u8>,
    /// The intent that the message really has; `oos` where it has none that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_intent: Option<String>,
    /// The message as it was asked; only with a corrected intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was sent to the customer instead of the drafted reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_reply: Option<String>,
}

/// The feedback on one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    /// The answer it is about.
    pub answer_id: AnswerId,
    /// What is said of it.
    #[serde(flatten)]
    pub opinion: Opinion,
    /// The `seq` with which the correction was given; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction_seq: Option<u64>,
    /// Counts how often feedback on the answer was given.
    pub seq: u64,
    /// Who gave it last.
    pub by: UserId,
    /// When it was first given.
    pub created_at: Timestamp,
    /// When it was last given.
    pub updated_at: Timestamp,
}

/// A message with the intent that a person says it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The answer it corrects.
    pub answer_id: AnswerId,
    /// The feedback's `seq` when it was given.
    pub seq: u64,
    /// The message.
    pub text: String,
    /// Its intent.
    pub intent: String,
}

impl Feedback {
    /// Feedback on an answer, in the place of `former` where there was some.
    pub fn given(former: Option<&Self>, answer_id: AnswerId, opinion: Opinion, by: UserId, now: Timestamp) -> Self {
        let seq = former.map_or(0, |former| former.seq) + 1;
        let is_corrected = opinion.corrected_intent.is_some();
        // A correction that says what it said before may have been learnt already; it is not given anew.
        let stands = former.filter(|former| {
            former.opinion.corrected_intent == opinion.corrected_intent && former.opinion.text == opinion.text
        });
        let correction_seq = stands.and_then(|former| former.correction_seq).or(is_corrected.then_some(seq));
        Self {
            answer_id,
            opinion,
            correction_seq,
            seq,
            by,
            created_at: former.map_or(now, |former| former.created_at),
            updated_at: now,
        }
    }

    /// What can be learnt from it.
    pub fn correction(&self) -> Option<Correction> {
        let (intent, text) = (self.opinion.corrected_intent.clone()?, self.opinion.text.clone()?);
        Some(Correction { answer_id: self.answer_id, seq: self.correction_seq?, text, intent })
    }
}

impl Correction {
    /// The training row number `row`, from 1.
    ///
    /// It names no conversation, so that it is held out together with every other row of the same words.
    pub fn into_record(self, row: u64) -> Record {
        Record {
            row,
            text: self.text,
            intent: Some(self.intent),
            reply: None,
            conversation: None,
            role: None,
            before: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn correct(intent: &str) -> Opinion {
        Opinion { corrected_intent: Some(intent.into()), text: Some("where is it".into()), ..Opinion::default() }
    }

    fn given(former: Option<&Feedback>, opinion: Opinion) -> Feedback {
        Feedback::given(former, AnswerId::new(Uuid::nil()), opinion, "u".parse().unwrap(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_correction_that_is_repeated_beside_other_feedback_is_not_given_anew() {
        let first = given(None, correct("order_status"));
        let again = given(Some(&first), Opinion { thumbs: Some(Thumbs::Down), ..correct("order_status") });
        assert_eq!((again.seq, again.correction()), (2, first.correction()));
    }

    #[test]
    fn another_correction_takes_the_place_of_the_former() {
        let first = given(None, correct("order_status"));
        let other = given(Some(&first), correct("oos"));
        assert_eq!(other.correction().map(|it| (it.seq, it.intent)), Some((2, "oos".to_owned())));
        let none = given(Some(&other), Opinion { csat: Some(5), ..Opinion::default() });
        assert_eq!((none.correction(), none.correction_seq), (None, None));
        assert_eq!(given(Some(&none), correct("oos")).correction_seq, Some(4));
    }
}
