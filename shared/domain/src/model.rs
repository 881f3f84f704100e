//! Model versions and which of them answers.

use romashka_learning::{Evaluation, Parameters};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ModelId, Timestamp, TrainingSessionId, UserId};

/// A trained model version. Nothing of it ever changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Identifies the version.
    pub id: ModelId,
    /// SHA-256 of the artefact, hexadecimal. The same data, parameters and code give the same hash.
    pub model_hash: String,
    /// SHA-256 over the distinct training rows, hexadecimal.
    pub data_hash: String,
    /// The artefact's size in bytes.
    pub size_bytes: u64,
    /// The session that made it.
    pub training_session_id: TrainingSessionId,
    /// How it was trained.
    pub parameters: Parameters,
    /// The intents it knows, sorted.
    pub intents: Vec<String>,
    /// What it scored on the hold-out; absent where there were too few rows to hold any out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What made a version the deployed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentCause {
    /// Somebody deployed it.
    Deploy,
    /// Somebody went back to it.
    Rollback,
}

/// Which model version answers the tenant's customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// Counts the tenant's deployments, from 1; also the resource's `ETag`.
    pub revision: u64,
    /// Identifies the request that decided it, so that a repetition is known for one.
    #[serde(default)]
    pub decision_id: Uuid,
    /// The version that answers.
    pub model_id: ModelId,
    /// Its artefact.
    pub model_hash: String,
    /// Versions that answered before and can be rolled back to, latest last; the oldest beyond
    /// [`Deployment::MAX_PAST`] are forgotten.
    pub past: Vec<PastModel>,
    /// Why this version answers.
    pub cause: DeploymentCause,
    /// Who decided it.
    pub by: UserId,
    /// Since when.
    pub at: Timestamp,
}

/// A version that answered before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastModel {
    /// The version.
    pub model_id: ModelId,
    /// Its artefact.
    pub model_hash: String,
}

impl Deployment {
    /// How many earlier versions can be rolled back to.
    pub const MAX_PAST: usize = 20;

    /// Puts `model` in charge, after `current`.
    pub fn deploy(current: Option<&Self>, model: &Model, decision_id: Uuid, by: UserId, at: Timestamp) -> Self {
        let mut past = current.map(|current| current.past.clone()).unwrap_or_default();
        past.extend(current.map(Self::as_past));
        past.drain(..past.len().saturating_sub(Self::MAX_PAST));
        Self {
            revision: current.map_or(0, |current| current.revision) + 1,
            decision_id,
            model_id: model.id,
            model_hash: model.model_hash.clone(),
            past,
            cause: DeploymentCause::Deploy,
            by,
            at,
        }
    }

    /// Puts the version before this one back in charge; `None` where there is none.
    pub fn roll_back(&self, decision_id: Uuid, by: UserId, at: Timestamp) -> Option<Self> {
        let mut past = self.past.clone();
        let previous = past.pop()?;
        Some(Self {
            revision: self.revision + 1,
            decision_id,
            model_id: previous.model_id,
            model_hash: previous.model_hash,
            past,
            cause: DeploymentCause::Rollback,
            by,
            at,
        })
    }

    fn as_past(&self) -> PastModel {
        PastModel { model_id: self.model_id, model_hash: self.model_hash.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deployment(revision: u64, model: u128) -> Deployment {
        Deployment {
            revision,
            decision_id: Uuid::nil(),
            model_id: ModelId::new(Uuid::from_u128(model)),
            model_hash: model.to_string(),
            past: Vec::new(),
            cause: DeploymentCause::Deploy,
            by: "u".parse().unwrap(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn there_is_nothing_to_roll_back_to_after_the_first_deployment() {
        assert_eq!(deployment(1, 1).roll_back(Uuid::nil(), "u".parse().unwrap(), Timestamp::UNIX_EPOCH), None);
    }

    proptest! {
        #[test]
        fn rolling_back_walks_the_deployments_in_reverse(past in prop::collection::vec(0u128..9, 1..20)) {
            let mut current = deployment(past.len() as u64, 99);
            current.past = past.iter().map(|model| deployment(0, *model).as_past()).collect();
            let mut walked = Vec::new();
            let mut revision = current.revision;
            while let Some(back) = current.roll_back(Uuid::nil(), "u".parse().unwrap(), Timestamp::UNIX_EPOCH) {
                prop_assert_eq!(back.revision, revision + 1);
                revision = back.revision;
                walked.push(back.model_id);
                current = back;
            }
            let expected: Vec<_> = past.iter().rev().map(|model| ModelId::new(Uuid::from_u128(*model))).collect();
            prop_assert_eq!(walked, expected);
        }
    }
}
