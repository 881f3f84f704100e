//! When corrections train by themselves, and on what.
//!
//! Corrections wait until they are gathered into an upload. A retraining learns from what the deployed version learnt
//! from and from every gathered upload since. Its session and its model are named after the upload that set it off, so
//! however often it is started, it is one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::sealed;
use crate::training::MAX_UPLOADS;
use crate::{ModelId, Timestamp, TrainingSessionId, UploadId, UserId};

/// The most corrections that one upload gathers.
pub const MAX_GATHERED: usize = 10_000;

/// Corrections in one part of such an upload; one part becomes one training batch.
pub const PART_ROWS: usize = 500;

/// After how many corrections a tenant retrains that does not say.
pub const DEFAULT_AFTER: u32 = 50;

/// When a tenant's corrections train by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetrainingPolicy {
    /// Whether they do.
    pub enabled: bool,
    /// After how many that are not yet learnt, 1 to 10,000.
    #[schema(minimum = 1, maximum = 10_000)]
    pub after_corrections: u32,
    /// Whether the model is deployed by itself where it is better than the one that answers.
    pub auto_deploy: bool,
    /// Counts the changes; also the resource's `ETag`.
    pub revision: u64,
    /// Who decided it; absent before the first decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Default for RetrainingPolicy {
    fn default() -> Self {
        Self { enabled: false, after_corrections: DEFAULT_AFTER, auto_deploy: false, revision: 0, by: None, at: None }
    }
}

/// What corrections are gathered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody wants to train on them.
    Upload,
    /// The policy says that they train now.
    Retraining,
}

/// The uploads that corrections were gathered into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// Counts the changes.
    pub revision: u64,
    /// The uploads, latest last; the oldest beyond [`Gathered::MAX_REMEMBERED`] are forgotten.
    pub uploads: Vec<UploadId>,
    /// The upload that the latest retraining was set off by.
    #[serde(default)]
    pub retraining: Option<UploadId>,
}

impl Gathered {
    /// How many uploads are remembered: as many as one session may draw on beside another.
    pub const MAX_REMEMBERED: usize = MAX_UPLOADS - 1;

    /// The same with one upload more.
    pub fn with(&self, upload: UploadId, purpose: Purpose) -> Self {
        let mut uploads = self.uploads.clone();
        uploads.push(upload);
        uploads.drain(..uploads.len().saturating_sub(Self::MAX_REMEMBERED));
        let retraining = if purpose == Purpose::Retraining { Some(upload) } else { self.retraining };
        Self { revision: self.revision + 1, uploads, retraining }
    }

    /// What a retraining learns from: what the deployed version learnt from, and as many gathered uploads as fit beside
    /// it, the latest first. `None` where none fits.
    pub fn sources(&self, deployed: &[UploadId]) -> Option<Vec<UploadId>> {
        let room = MAX_UPLOADS.checked_sub(deployed.len()).filter(|room| *room > 0)?;
        let new = self.uploads.iter().rev().filter(|upload| !deployed.contains(upload)).take(room);
        Some(deployed.iter().chain(new).copied().collect())
    }
}

/// The session that an upload of corrections sets off.
pub fn session_of(upload: UploadId) -> TrainingSessionId {
    TrainingSessionId::new(sealed(upload.uuid(), "training session"))
}

/// The model version that this session makes.
pub fn model_of(upload: UploadId) -> ModelId {
    ModelId::new(sealed(upload.uuid(), "model"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn upload(number: usize) -> UploadId {
        UploadId::new(Uuid::from_u128(number as u128))
    }

    #[test]
    fn a_full_session_leaves_no_room_for_corrections() {
        let gathered = Gathered::default().with(upload(1000), Purpose::Retraining);
        let full: Vec<_> = (0..MAX_UPLOADS).map(upload).collect();
        assert_eq!(gathered.sources(&full), None);
        assert_eq!(gathered.sources(&full[1..]).unwrap().last(), Some(&upload(1000)));
    }

    #[test]
    fn what_somebody_gathers_sets_off_nothing() {
        let gathered = Gathered::default().with(upload(1), Purpose::Retraining).with(upload(2), Purpose::Upload);
        assert_eq!(gathered.retraining, Some(upload(1)));
        assert_eq!(gathered.sources(&[]), Some(vec![upload(2), upload(1)]));
    }

    #[test]
    fn an_upload_sets_off_one_session_and_another_upload_another() {
        assert_eq!(session_of(upload(1)), session_of(upload(1)));
        // The seal is over the leading bytes, which differ between any two identifiers that a clock and chance make.
        let later = UploadId::new(Uuid::from_u128(1 << 64));
        assert_ne!(session_of(upload(1)), session_of(later));
        assert_ne!(session_of(later).uuid(), model_of(later).uuid());
    }

    proptest! {
        #[test]
        fn sources_hold_the_deployed_ones_and_the_latest_corrections_once_each_and_fit(
            deployed in prop::collection::btree_set(0usize..200, 0..MAX_UPLOADS),
            gathered in prop::collection::btree_set(0usize..200, 1..150),
        ) {
            let deployed: Vec<_> = deployed.into_iter().map(upload).collect();
            let all = gathered.iter().fold(Gathered::default(), |all, it| all.with(upload(*it), Purpose::Upload));
            let sources = all.sources(&deployed).unwrap();
            let distinct: std::collections::BTreeSet<_> = sources.iter().collect();
            prop_assert_eq!(distinct.len(), sources.len());
            prop_assert!(sources.len() <= MAX_UPLOADS);
            prop_assert!(deployed.iter().all(|it| sources.contains(it)));
            prop_assert!(sources.contains(all.uploads.last().unwrap()));
        }
    }
}
