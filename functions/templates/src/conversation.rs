//! A conversation as it is sent to find the template that goes on with it.

use romashka_domain::template::usage::MAX_MESSAGES;
use romashka_encoder::Encoder;
use romashka_http::{Problem, invalid_field};
use romashka_ingest::redaction::by_default;
use romashka_learning::search::Query;
use romashka_learning::{ContentHash, Embedding, Meaning};
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters of one message.
const MAX_MESSAGE_CHARS: usize = 4_000;
/// What the customer's last messages weigh, the last one first: what was said before only helps to understand it.
const WEIGHTS: [f32; 3] = [1.0, 0.5, 0.25];

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Who asks for help.
    Customer,
    /// Who helps.
    Agent,
}

/// One message.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationMessage {
    /// Who wrote it; the customer where it is left out.
    #[serde(default = "customer")]
    role: Author,
    /// What, up to 4,000 characters.
    #[schema(max_length = 4000)]
    text: String,
}

fn customer() -> Author {
    Author::Customer
}

/// What the customer wrote last, without what is personal in it, the latest first.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked(Vec<String>);

impl Asked {
    /// Of a conversation in the order in which it was held.
    pub fn of(messages: Vec<ConversationMessage>) -> Result<Self, Problem> {
        if messages.len() > MAX_MESSAGES {
            let detail = format!("has {} messages; send the last {MAX_MESSAGES}", messages.len());
            return Err(invalid_field("/messages", "too_many", detail));
        }
        for (place, message) in messages.iter().enumerate() {
            if message.text.chars().count() > MAX_MESSAGE_CHARS {
                let detail = format!("has more than the {MAX_MESSAGE_CHARS} characters allowed");
                return Err(invalid_field(format!("/messages/{place}/text"), "too_long", detail));
            }
        }
        let of_customer = messages.into_iter().rev().filter(|message| message.role == Author::Customer);
        let written = of_customer.map(|message| message.text).filter(|text| !text.trim().is_empty());
        let asked: Vec<String> = written.take(WEIGHTS.len()).map(by_default).collect();
        if asked.is_empty() {
            return Err(invalid_field("/messages", "empty_text", "must hold a message of the customer"));
        }
        Ok(Self(asked))
    }

    /// What the customer wrote last.
    pub fn last(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Its words.
    pub fn words(&self) -> Query {
        Query::written(self.0.iter().map(String::as_str))
    }

    /// What it means, taken together.
    pub fn meaning(&self, encoder: &Encoder) -> Embedding {
        let texts: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let meanings = Meaning::of(encoder, &texts);
        if let [one] = &meanings[..] {
            return one.sentence.clone();
        }
        let mut sum = [0.0; romashka_learning::embedding::DIMENSIONS];
        for (meaning, weight) in meanings.iter().zip(WEIGHTS) {
            for (sum, value) in sum.iter_mut().zip(meaning.sentence.to_vector()) {
                *sum += weight * value;
            }
        }
        Embedding::of(&sum)
    }

    /// By which it is known again.
    pub fn hash(&self) -> String {
        hex::encode(ContentHash::of(&self.0.join("\n"), None).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(messages: Value) -> Result<Asked, String> {
        let messages = serde_json::from_value(messages).unwrap();
        Asked::of(messages).map_err(|problem| problem.body("c-1").field.unwrap_or_default())
    }

    #[test]
    fn what_the_customer_wrote_last_comes_first_and_without_what_is_personal() {
        let messages = json!([
            { "text": "one" }, { "text": "two" }, { "text": "three" },
            { "role": "agent", "text": "no" }, { "role": "customer", "text": "call +49 30 901820" }, { "text": " " },
        ]);
        let asked = asked(messages).unwrap();
        assert_eq!(asked.0, ["call {{customer.phone}}", "three", "two"]);
        assert_eq!(asked.last(), "call {{customer.phone}}");
    }

    #[test]
    fn a_conversation_that_nobody_asked_anything_in_is_refused() {
        assert_eq!(asked(json!([])).unwrap_err(), "/messages");
        assert_eq!(asked(json!([{ "role": "agent", "text": "Hello?" }])).unwrap_err(), "/messages");
        assert_eq!(asked(json!([{ "text": "x".repeat(4_001) }])).unwrap_err(), "/messages/0/text");
        assert_eq!(asked(json!(vec![json!({ "text": "x" }); 51])).unwrap_err(), "/messages");
    }
}
