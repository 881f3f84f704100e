//! What a good row becomes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who spoke a turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person who asks.
    Customer,
    /// The person or the program that answers.
    Agent,
}

impl Role {
    /// The names under which exports know a customer.
    pub const CUSTOMER_NAMES: [&str; 4] = ["customer", "user", "visitor", "contact"];
    /// The names under which exports know an agent.
    pub const AGENT_NAMES: [&str; 5] = ["agent", "assistant", "operator", "admin", "bot"];

    /// The role that an export calls by this name, whatever its case and the spaces around it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        if Self::CUSTOMER_NAMES.iter().any(is) {
            return Some(Self::Customer);
        }
        Self::AGENT_NAMES.iter().any(is).then_some(Self::Agent)
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
    /// The answer, the agent's next turn or the body of the article: trimmed, its lines kept.
    pub reply: Option<String>,
    /// The conversation in which the text was said.
    pub conversation: Option<String>,
    /// Who said the text, for conversations: always the customer.
    pub role: Option<Role>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_recognised_under_every_name_that_exports_give_it() {
        assert_eq!(Role::named(" Visitor "), Some(Role::Customer));
        assert_eq!(Role::named("ASSISTANT"), Some(Role::Agent));
        assert_eq!(Role::named("supervisor"), None);
        assert_eq!(Role::named(""), None);
    }
}
