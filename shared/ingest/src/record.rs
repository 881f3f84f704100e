//! What a good row becomes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::redaction::placeholders;

/// Turns of a conversation that a record keeps of what came before it, at most.
pub const MAX_TURNS_BEFORE: usize = 6;
/// Bytes of each of these turns, at most.
pub const MAX_TURN_BYTES: usize = 1_000;

/// Who spoke a turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person who asks.
    Customer,
    /// The person or the program that answers.
    Agent,
}

/// One turn of a conversation, or several turns of the agent that follow one another, joined by a line break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    /// The speaker.
    pub role: Role,
    /// The beginning of the words, at most 1,000 bytes of UTF-8.
    pub text: String,
}

impl Turn {
    /// Makes a turn of words without anything personal in them. Words that are too long are cut between two characters
    /// and never inside a placeholder.
    pub(crate) fn new(role: Role, words: &str) -> Self {
        let mut end = words.floor_char_boundary(MAX_TURN_BYTES);
        if end < words.len() {
            let cut = placeholders(words).into_iter().find(|placeholder| placeholder.contains(&end));
            end = cut.map_or(end, |placeholder| placeholder.start);
        }
        Self { role, text: words[..end].to_owned() }
    }
}

/// One thing to learn from: what a customer said and, where the file knows them, what it was about
/// and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// The row of the file as a spreadsheet would number it: the header of a CSV file is row 1, and
    /// blank rows count. For NDJSON, the line, from 1.
    pub row: u64,
    /// The customer's words (a question, a turn, the title of an article), never empty: trimmed, every
    /// run of white space made one space. A cell that looks like a formula is kept as it is.
    pub text: String,
    /// The label, trimmed; `None` where the row has none. `oos` (out of scope) is a label like any other.
    pub intent: Option<String>,
    /// The answer, the body of the article, or the agent's turns up to the customer's next one, joined by a line break:
    /// trimmed, its lines kept.
    pub reply: Option<String>,
    /// The conversation in which the text was said.
    pub conversation: Option<String>,
    /// Who said the text, for conversations: always the customer.
    pub role: Option<Role>,
    /// The turns of the same conversation before the text, oldest first: at most the latest 6. Empty where there is no
    /// conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Turn>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_turn_is_cut_between_characters() {
        let words = "é".repeat(600);
        assert_eq!(Turn::new(Role::Agent, &words).text, "é".repeat(500));
        let words = format!("a{words}");
        assert_eq!(Turn::new(Role::Agent, &words).text.len(), 999);
        let words = "a".repeat(MAX_TURN_BYTES);
        assert_eq!(Turn::new(Role::Agent, &words).text, words);
    }

    #[test]
    fn a_placeholder_is_kept_whole_or_left_out() {
        let placeholder = "{{customer.name}}";
        for spaces in 0..=placeholder.len() + 1 {
            let start = " ".repeat(MAX_TURN_BYTES - spaces);
            let turn = Turn::new(Role::Customer, &format!("{start}{placeholder} hello"));
            let kept = turn.text.trim_start();
            let whole = spaces >= placeholder.len();
            assert_eq!(kept.trim_end(), if whole { placeholder } else { "" }, "{spaces}");
        }
    }

    #[test]
    fn a_record_written_before_turns_were_kept_is_read() {
        let line = r#"{"row":1,"text":"hi","intent":null,"reply":null,"conversation":"1","role":"customer"}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(record.before, []);
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}
