//! A mining: reply templates proposed from what agents wrote.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::feed::Transition;
use crate::{CorrelationId, Fault, MiningId, NotAllowed, Timestamp, UploadId, UserId};

/// Uploads that one mining draws on.
pub const MAX_UPLOADS: usize = 20;
/// How long a mining and what it found are kept, in days.
pub const KEPT_DAYS: i64 = 90;
/// The fewest replies that a proposal may stand for, and the most that may be asked.
pub const LEAST_REPLIES: std::ops::RangeInclusive<u32> = 2..=1_000;
/// The fewest replies of a proposal where nothing is said.
pub const DEFAULT_LEAST_REPLIES: u32 = 3;

/// Where a mining stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MiningState {
    /// Nobody works on it yet.
    Queued,
    /// The replies are being read and compared.
    Mining,
    /// What was found can be read.
    Completed,
    /// Nothing could be found out; `error` says why.
    Failed,
}

impl MiningState {
    /// The name as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Mining => "mining",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What a mining found, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MiningCounts {
    /// Replies that were compared.
    pub replies: u64,
    /// Rows of the uploads that were not looked at any more: 50,000 replies, or 64 MiB of them, are compared at once.
    pub not_read: u64,
    /// Of the replies, those that are too short to be worth a template, or too long to be one.
    pub left_out: u64,
    /// Those that one of the proposals covers as a whole.
    pub covered: u64,
    /// Those of the others that have a passage.
    pub partly_covered: u64,
    /// Templates of whole replies.
    pub proposals: u32,
    /// Templates of sentences.
    pub passages: u32,
}

/// A search for templates in the replies of uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mining {
    /// Identifies it.
    pub id: MiningId,
    /// The uploads whose replies are read.
    pub upload_ids: Vec<UploadId>,
    /// The fewest replies that a proposal stands for.
    pub least_replies: u32,
    /// Where it stands.
    pub state: MiningState,
    /// What was found, once it is completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<MiningCounts>,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Counts every change.
    pub seq: u64,
    /// Every state it entered, in order.
    pub transitions: Vec<Transition<MiningState>>,
    /// Follows the work it caused through logs and frames.
    pub correlation_id: CorrelationId,
    /// Who asked for it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Mining {
    /// A mining that waits to be worked on.
    pub fn queued(
        id: MiningId,
        upload_ids: Vec<UploadId>,
        least_replies: u32,
        correlation_id: CorrelationId,
        created_by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            upload_ids,
            least_replies,
            state: MiningState::Queued,
            counts: None,
            error: None,
            seq: 1,
            transitions: vec![Transition { seq: 1, state: MiningState::Queued, at: now }],
            correlation_id,
            created_by,
            created_at: now,
            updated_at: now,
        }
    }

    /// Notes that somebody works on it. A second delivery works on it as well and changes nothing.
    ///
    /// # Errors
    ///
    /// Where it has ended.
    pub fn begin(&mut self, now: Timestamp) -> Result<(), NotAllowed> {
        self.refuse_if_final("be worked on")?;
        if self.state == MiningState::Queued {
            self.enter(MiningState::Mining, now);
        }
        Ok(())
    }

    /// Notes what was found.
    ///
    /// # Errors
    ///
    /// Where it has ended.
    pub fn complete(&mut self, counts: MiningCounts, now: Timestamp) -> Result<(), NotAllowed> {
        self.refuse_if_final("be completed")?;
        self.counts = Some(counts);
        self.enter(MiningState::Completed, now);
        Ok(())
    }

    /// Notes why nothing can be found out.
    ///
    /// # Errors
    ///
    /// Where it has ended.
    pub fn fail(&mut self, fault: Fault, now: Timestamp) -> Result<(), NotAllowed> {
        self.refuse_if_final("fail")?;
        self.error = Some(fault);
        self.enter(MiningState::Failed, now);
        Ok(())
    }

    fn refuse_if_final(&self, action: &'static str) -> Result<(), NotAllowed> {
        if self.state.is_final() {
            return Err(NotAllowed { what: "mining", state: self.state.name(), action });
        }
        Ok(())
    }

    fn enter(&mut self, state: MiningState, now: Timestamp) {
        self.seq += 1;
        self.state = state;
        self.transitions.push(Transition { seq: self.seq, state, at: now });
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn mining() -> Mining {
        Mining::queued(
            MiningId::new(Uuid::from_u128(1)),
            vec![UploadId::new(Uuid::from_u128(2))],
            DEFAULT_LEAST_REPLIES,
            "0190a7f27c1e7d3a9f001234567890ab".parse().unwrap(),
            "ann".parse().unwrap(),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn what_was_found_once_is_not_found_again() {
        let mut mining = mining();
        let found = MiningCounts { replies: 9, ..MiningCounts::default() };
        mining.begin(Timestamp::UNIX_EPOCH).unwrap();
        mining.complete(found, Timestamp::UNIX_EPOCH).unwrap();
        let kept = mining.clone();
        let refusal = mining.complete(MiningCounts::default(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refusal.to_string(), "mining is completed, so it cannot be completed");
        assert_eq!(mining, kept);
    }

    proptest! {
        #[test]
        fn whatever_arrives_in_whatever_order_each_state_is_entered_once_and_the_end_stays(
            steps in prop::collection::vec(0..3u8, 0..12),
        ) {
            let mut mining = mining();
            let mut ended: Option<Mining> = None;
            for step in steps {
                let now = Timestamp::UNIX_EPOCH;
                let done = match step {
                    0 => mining.begin(now),
                    1 => mining.complete(MiningCounts::default(), now),
                    _ => mining.fail(Fault::new("gone", "gone"), now),
                };
                if let Some(ended) = &ended {
                    prop_assert!(done.is_err());
                    prop_assert_eq!(ended, &mining);
                } else if mining.state.is_final() {
                    ended = Some(mining.clone());
                }
            }
            let states: Vec<_> = mining.transitions.iter().map(|transition| transition.state).collect();
            let mut once = states.clone();
            once.dedup();
            prop_assert_eq!(&states, &once);
            prop_assert!(mining.transitions.is_sorted_by(|one, next| one.seq < next.seq));
            prop_assert_eq!(mining.transitions.last().map(|last| (last.seq, last.state)), Some((mining.seq, mining.state)));
        }
    }
}
