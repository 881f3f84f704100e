//! From a prediction to what is done about it.
//!
//! The action is decided here, from numbers alone, and apart from the reply's text: no text, whoever wrote it,
//! can trigger one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::AnswerId;
use crate::{ModelId, Timestamp};

/// The longest message that is answered, in characters.
pub const MAX_MESSAGE_CHARS: usize = 4_000;

/// At or above this confidence the top intent is acted upon.
pub const SURE: f64 = 0.5;

/// Below [`SURE`], asking back helps only where the top intent stands clear of chance.
pub const WORTH_ASKING: f64 = 0.2;

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
}

/// An intent and how sure the model is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScoredIntent {
    /// The intent's name.
    pub intent: String,
    /// Calibrated probability, 0 to 1.
    pub confidence: f64,
}

/// What the deployed model makes of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Identifies the decision.
    pub id: AnswerId,
    /// The likeliest intent; `null` where the message is out of scope.
    pub intent: Option<String>,
    /// Calibrated probability of the likeliest intent, 0 to 1.
    pub confidence: f64,
    /// The second likeliest intent.
    pub runner_up: Option<ScoredIntent>,
    /// Whether the message belongs to none of the model's intents.
    pub out_of_scope: bool,
    /// What should happen next.
    pub action: Action,
    /// Why a person should take over; only with `hand_off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<HandOffReason>,
    /// A reply drafted from the training data; only with `reply`, and only where the data holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Where the decision comes from.
    pub provenance: Provenance,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a decision comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The model version.
    pub model_id: ModelId,
    /// Its artefact.
    pub model_hash: String,
    /// The highest logit, the number that out-of-scope detection goes by.
    pub score: f64,
    /// Below this score a message is out of scope; `null` where the training data gave nothing to set it by.
    pub threshold: Option<f64>,
}

/// Decides what should happen next.
pub fn decide(out_of_scope: bool, confidence: f64) -> (Action, Option<HandOffReason>) {
    if out_of_scope {
        return (Action::HandOff, Some(HandOffReason::OutOfScope));
    }
    if confidence >= SURE {
        return (Action::Reply, None);
    }
    if confidence >= WORTH_ASKING {
        return (Action::Clarify, None);
    }
    (Action::HandOff, Some(HandOffReason::LowConfidence))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_out_of_scope_goes_to_a_person_however_sure_the_head_is() {
        assert_eq!(decide(true, 0.99), (Action::HandOff, Some(HandOffReason::OutOfScope)));
    }

    #[test]
    fn between_sure_and_lost_the_customer_is_asked() {
        assert_eq!(decide(false, 0.5), (Action::Reply, None));
        assert_eq!(decide(false, 0.49), (Action::Clarify, None));
        assert_eq!(decide(false, 0.19), (Action::HandOff, Some(HandOffReason::LowConfidence)));
    }

    proptest! {
        #[test]
        fn a_hand_off_always_says_why(out_of_scope: bool, confidence in 0.0f64..=1.0) {
            let (action, reason) = decide(out_of_scope, confidence);
            prop_assert_eq!(action == Action::HandOff, reason.is_some());
        }
    }
}
