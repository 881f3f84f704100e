//! The rules of Romashka: what exists, which states it may be in, who may do what.
//!
//! Nothing here knows AWS, HTTP, the clock or tokio, so every rule can be tested by calling it.
//! Time and identifiers come in as arguments; [`time::Clock`] and [`ids::IdSource`] are the only doors
//! through which they enter the house.

pub mod access;
pub mod answer;
pub mod audit;
pub mod feed;
pub mod feedback;
pub mod ids;
pub mod mining;
pub mod model;
pub mod redaction;
pub mod retraining;
pub mod template;
pub mod time;
pub mod topic;
pub mod training;
pub mod upload;

pub use access::{Identity, Permission, Role};
pub use ids::{
    ConnectionId, CorrelationId, IdSource, MiningId, ModelId, TeamId, TemplateId, TemplateUseId, TenantId, TopicId,
    TrainingSessionId, UploadId, UserId,
};
pub use time::{Clock, Timestamp};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something ended badly, in words for the person who has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Stable, for programs: `snake_case`.
    pub code: String,
    /// For people: what was wrong, where, and what to do about it.
    pub message: String,
}

impl Fault {
    /// A fault with this code and message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// A step that the present state does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {state}, so it cannot {action}")]
pub struct NotAllowed {
    /// The thing, such as `training session`.
    pub what: &'static str,
    /// The state it is in.
    pub state: &'static str,
    /// What was asked of it.
    pub action: &'static str,
}

/// serde quotes what it stumbled over: a value in double quotes, an unknown name in backquotes. What a client sent does
/// not go back into an answer that may be logged, so only the shape of the complaint stays.
pub fn without_values(complaint: &str) -> String {
    let complaint = complaint.rsplit_once(" at line ").map_or(complaint, |(complaint, _)| complaint);
    for unknown in ["unknown field", "unknown variant"] {
        if complaint.starts_with(unknown) {
            let expected = complaint.rfind(", expected").map_or("", |position| &complaint[position..]);
            return format!("{unknown}{expected}");
        }
    }
    let mut kept = String::new();
    let mut inside = None;
    for c in complaint.chars() {
        match inside {
            None if c == '"' => {
                inside = Some(c);
                kept.push('…');
            }
            None => kept.push(c),
            Some(quote) if c == quote => inside = None,
            Some(_) => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_does_not_quote_what_was_sent() {
        let error = serde_json::from_str::<u32>("\"jane@example.com\"").unwrap_err().to_string();
        assert_eq!(without_values(&error), "invalid type: string …, expected u32");
        let error = serde_json::from_str::<Role>("\"jane, expected\"").unwrap_err().to_string();
        assert_eq!(without_values(&error), "unknown variant, expected one of `owner`, `admin`, `agent`, `viewer`");
    }
}
