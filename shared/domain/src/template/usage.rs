//! That somebody used a template, and for what.
//!
//! What a customer wrote is not kept: only what it means, as an embedding, and a digest by which a repetition is known.

use romashka_learning::Embedding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{TemplateId, TemplateUseId, Timestamp, UserId};

/// Messages of a conversation that are looked at.
pub const MAX_MESSAGES: usize = 50;
/// Places in a list that a use may come from.
pub const MAX_RANK: u32 = 100;

/// How somebody came to a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// It was suggested.
    Suggestion,
    /// They searched for it.
    Search,
    /// They typed its shortcut.
    Shortcut,
    /// They picked it from a list.
    List,
}

/// What a template was used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsedFor {
    /// [`romashka_learning::ContentHash`] of what the customer wrote, without what is personal.
    pub hash: String,
    /// Which encoder read it.
    pub encoder: String,
    /// What it means, as [`Embedding::to_hex`] writes it.
    meaning: String,
}

impl UsedFor {
    /// What this encoder makes of a message.
    pub fn new(hash: String, encoder: String, meaning: &Embedding) -> Self {
        Self { hash, encoder, meaning: meaning.to_hex() }
    }

    /// What it means.
    pub fn meaning(&self) -> Option<Embedding> {
        Embedding::from_hex(&self.meaning)
    }
}

/// One use of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateUse {
    /// Its identifier.
    pub id: TemplateUseId,
    /// The template.
    pub template_id: TemplateId,
    /// Its version.
    pub version: u64,
    /// How it was found.
    pub via: Via,
    /// The place in that list where it stood, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Who used it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
