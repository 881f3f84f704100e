//! What a tenant decides about personal data in what it sends.

use romashka_ingest::redaction::Settings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Timestamp, UserId};

/// What is hidden. It holds for what is sent after it was decided; what was read before stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RedactionPolicy {
    /// What was decided.
    #[serde(flatten)]
    pub settings: Settings,
    /// Counts every decision; 0 before the first.
    pub revision: u64,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}
