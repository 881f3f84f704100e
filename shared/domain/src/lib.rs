//! The rules of Romashka: what exists, which states it may be in, who may do what.
//!
//! Nothing here knows AWS, HTTP, the clock or tokio, so every rule can be tested by calling it.
//! Time and identifiers come in as arguments; [`time::Clock`] and [`ids::IdSource`] are the only doors
//! through which they enter the house.

pub mod access;
pub mod answer;
pub mod feed;
pub mod ids;
pub mod model;
pub mod time;
pub mod training;
pub mod upload;

pub use access::{Identity, Permission, Role};
pub use ids::{ConnectionId, CorrelationId, IdSource, ModelId, TenantId, TrainingSessionId, UploadId, UserId};
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
