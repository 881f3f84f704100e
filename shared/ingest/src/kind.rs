//! What a file is about: the uploader says it, because content alone cannot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the rows of an uploaded file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Single messages of customers, labelled with an intent or not.
    Utterances,
    /// Questions with their approved answers.
    Faq,
    /// Conversations, one turn a row, in the order in which they were held.
    Conversations,
    /// Articles: a title and a body.
    Knowledge,
}

impl Kind {
    /// Every kind, in the order in which a form should offer them.
    pub const ALL: [Self; 4] = [Self::Utterances, Self::Faq, Self::Conversations, Self::Knowledge];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utterances => "utterances",
            Self::Faq => "faq",
            Self::Conversations => "conversations",
            Self::Knowledge => "knowledge",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The name of a kind that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind; use one of utterances, faq, conversations, knowledge")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_the_same_way_in_json_in_text_and_in_a_path() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn the_refusal_of_an_unknown_kind_names_every_kind() {
        let refusal = "Tickets".parse::<Kind>().unwrap_err().to_string();
        for kind in Kind::ALL {
            assert!(refusal.contains(kind.as_str()), "{refusal}");
        }
    }
}
