//! Who changed what: a record that is written with the change it tells of, or neither is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Identity, Role, Timestamp, UserId};

/// One change. It names fields, and never what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
    /// What they were at the time.
    pub role: Role,
    /// What was done, such as `template.edited`.
    pub action: String,
    /// What it was done to, such as `templates/<id>`.
    pub resource: String,
    /// The version that the change made.
    pub version: u64,
    /// The fields that are not as before.
    pub fields: Vec<String>,
}

impl AuditRecord {
    /// A record of what somebody did.
    pub fn new(who: &Identity, at: Timestamp, action: String, resource: String, version: u64) -> Self {
        Self { at, by: who.user.clone(), role: who.role, action, resource, version, fields: Vec::new() }
    }
}
