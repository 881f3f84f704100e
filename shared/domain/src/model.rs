//! Model versions and which of them answers.

use romashka_learning::comparison::{Comparison, Verdict};
use romashka_learning::knowledge::{Agreement, DEFAULT_THRESHOLD};
use romashka_learning::{Evaluation, OperatingPoint, Parameters};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ModelId, Timestamp, TrainingSessionId, UserId};

/// A trained model version. Nothing of it ever changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Identifies the version.
    pub id: ModelId,
    /// SHA-256 of the artefact, hexadecimal; of a version without intents, of its knowledge. The same data, parameters
    /// and code give the same hash.
    pub model_hash: String,
    /// SHA-256 over the distinct training rows, hexadecimal; of a version without intents, of its knowledge.
    pub data_hash: String,
    /// The artefact's size in bytes.
    pub size_bytes: u64,
    /// The session that made it.
    pub training_session_id: TrainingSessionId,
    /// How it was trained.
    pub parameters: Parameters,
    /// Identity of the sentence encoder that read the rows; absent for a model of n-grams alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Operating points of its out-of-scope rule, by ascending budget; a deployment chooses one.
    #[serde(default)]
    pub operating_points: Vec<OperatingPoint>,
    /// The budget of the operating point it is deployed with unless another is chosen.
    #[serde(default)]
    pub default_budget: f32,
    /// What the tenant's texts answer; absent where there were no texts with answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<KnowledgeVersion>,
    /// How it compares with the version that was deployed when it was trained; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The intents it knows, sorted; empty where the data taught none, and replies come from knowledge alone.
    pub intents: Vec<String>,
    /// What it scored on the hold-out; absent where there were too few rows to hold any out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An index of texts that answer questions. Nothing of it ever changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KnowledgeVersion {
    /// SHA-256 of the index, hexadecimal.
    pub hash: String,
    /// Passages in it.
    pub passages: u64,
    /// Answer groups: passages that say the same count once.
    #[serde(default)]
    pub groups: u64,
    /// Rows and passages that were left out, for there are more than an index holds.
    #[serde(default)]
    pub left_out: u64,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Agreement with people on their past questions; absent where fewer than 20 were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Comparison with the version that was deployed then, on the past questions that were put to both: an accuracy is the
    /// share answered as people did. Absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

impl Model {
    /// The verdict of the comparison with the deployed version: that of intents, and that of answers only where the deployed
    /// version knows no intents that would be lost.
    pub fn verdict_beside(&self, deployed: &DeployedVersion) -> Option<Verdict> {
        let of_answers = self.knowledge.as_ref().and_then(|knowledge| knowledge.comparison.as_ref());
        let of_answers = of_answers.filter(|_| !deployed.knows_intents);
        self.comparison.as_ref().or(of_answers).map(|comparison| comparison.verdict)
    }
}

/// What made a version the deployed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentCause {
    /// Somebody deployed it.
    Deploy,
    /// Somebody went back to it.
    Rollback,
    /// It was found better than the version before, and its session was asked to deploy in that case.
    Better,
}

/// By what limits a deployed version acts. They are deployed and rolled back together with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Budget of the operating point: the share of in-scope messages whose right answer may be given up to recognise
    /// those that belong to no intent, 0 to 0.1. The greatest of the model's points within it counts.
    #[schema(minimum = 0.0, maximum = 0.1)]
    pub out_of_scope_budget: f32,
    /// Confidence from which the top intent is acted upon, 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub sure: f64,
    /// What the top intent's confidence must exceed the runner-up's by, 0 to 1.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub gap: f64,
    /// Probability from which an agent's past reply is given as the answer, 0 to 1. By default the one at which nine of
    /// ten answers agree with what people answered.
    #[serde(default = "default_threshold")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub reply: f64,
    /// Probability from which an entry of an FAQ or an article is given as the answer, 0 to 1.
    #[serde(default = "default_threshold")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub curated: f64,
}

/// The threshold of texts where none was chosen.
fn default_threshold() -> f64 {
    DEFAULT_THRESHOLD
}

impl Thresholds {
    /// The thresholds a version is deployed with unless others are chosen.
    pub fn of(model: &Model) -> Self {
        let agreement = model.knowledge.as_ref().and_then(|knowledge| knowledge.agreement.as_ref());
        let reply = agreement.map_or(DEFAULT_THRESHOLD, |agreement| agreement.threshold);
        Self { out_of_scope_budget: model.default_budget, reply, ..Self::default() }
    }

    /// The first of them that is out of range, by name.
    pub fn invalid(&self) -> Option<&'static str> {
        let within = |value: f64, greatest: f64| (0.0..=greatest).contains(&value);
        if !within(f64::from(self.out_of_scope_budget), f64::from(0.1_f32)) {
            return Some("out_of_scope_budget");
        }
        if !within(self.sure, 1.0) {
            return Some("sure");
        }
        if !within(self.reply, 1.0) {
            return Some("reply");
        }
        if !within(self.curated, 1.0) {
            return Some("curated");
        }
        (!within(self.gap, 1.0)).then_some("gap")
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            out_of_scope_budget: 0.005,
            sure: crate::answer::SURE,
            gap: crate::answer::GAP,
            reply: DEFAULT_THRESHOLD,
            curated: DEFAULT_THRESHOLD,
        }
    }
}

/// Which model version answers the tenant's customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// Counts the tenant's deployments, from 1; also the resource's `ETag`.
    pub revision: u64,
    /// Identifies the request that decided it, so that a repetition is known for one.
    #[serde(default)]
    pub decision_id: Uuid,
    /// The version that answers.
    #[serde(flatten)]
    pub version: DeployedVersion,
    /// Versions that answered before and can be rolled back to, latest last; the oldest beyond
    /// [`Deployment::MAX_PAST`] are forgotten.
    pub past: Vec<DeployedVersion>,
    /// Why this version answers.
    pub cause: DeploymentCause,
    /// Who decided it.
    pub by: UserId,
    /// Since when.
    pub at: Timestamp,
}

/// A version as it answers, or answered: all that is deployed, and rolled back, together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeployedVersion {
    /// The version.
    pub model_id: ModelId,
    /// Its artefact.
    pub model_hash: String,
    /// Whether it knows intents. Where it knows none, it replies from knowledge or not at all.
    #[serde(default = "knows_intents")]
    pub knows_intents: bool,
    /// What the tenant's texts answer, where they answer anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge_hash: Option<String>,
    /// Identity of the sentence encoder that read the rows and the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// The limits it acts by.
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Every version did before there were others.
fn knows_intents() -> bool {
    true
}

impl DeployedVersion {
    fn of(model: &Model, thresholds: Thresholds) -> Self {
        Self {
            model_id: model.id,
            model_hash: model.model_hash.clone(),
            knows_intents: !model.intents.is_empty(),
            knowledge_hash: model.knowledge.as_ref().map(|knowledge| knowledge.hash.clone()),
            encoder: model.encoder.clone(),
            thresholds,
        }
    }
}

/// Who decides a deployment, when, and what makes it so.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Identifies the request, so that a repetition is known for one.
    pub id: Uuid,
    /// Why.
    pub cause: DeploymentCause,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Deployment {
    /// How many earlier versions can be rolled back to.
    pub const MAX_PAST: usize = 20;

    /// Puts `model` in charge, after `current`.
    pub fn deploy(current: Option<&Self>, model: &Model, thresholds: Thresholds, decision: Decision) -> Self {
        let mut past = current.map(|current| current.past.clone()).unwrap_or_default();
        past.extend(current.map(|current| current.version.clone()));
        past.drain(..past.len().saturating_sub(Self::MAX_PAST));
        Self {
            revision: current.map_or(0, |current| current.revision) + 1,
            decision_id: decision.id,
            version: DeployedVersion::of(model, thresholds),
            past,
            cause: decision.cause,
            by: decision.by,
            at: decision.at,
        }
    }

    /// Puts the version before this one back in charge; `None` where there is none.
    pub fn roll_back(&self, decision_id: Uuid, by: UserId, at: Timestamp) -> Option<Self> {
        let mut past = self.past.clone();
        let version = past.pop()?;
        Some(Self { revision: self.revision + 1, decision_id, version, past, cause: DeploymentCause::Rollback, by, at })
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
            version: DeployedVersion {
                model_id: ModelId::new(Uuid::from_u128(model)),
                model_hash: model.to_string(),
                knows_intents: true,
                knowledge_hash: None,
                encoder: None,
                thresholds: Thresholds { sure: model as f64 / 100.0, ..Thresholds::default() },
            },
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
            current.past = past.iter().map(|model| deployment(0, *model).version).collect();
            let mut walked = Vec::new();
            let mut revision = current.revision;
            while let Some(back) = current.roll_back(Uuid::nil(), "u".parse().unwrap(), Timestamp::UNIX_EPOCH) {
                prop_assert_eq!(back.revision, revision + 1);
                revision = back.revision;
                let version = &back.version;
                prop_assert_eq!(version.thresholds.sure, version.model_hash.parse::<f64>().unwrap() / 100.0);
                walked.push(version.model_id);
                current = back;
            }
            let expected: Vec<_> = past.iter().rev().map(|model| ModelId::new(Uuid::from_u128(*model))).collect();
            prop_assert_eq!(walked, expected);
        }
    }
}
