//! What a live view needs so that it misses nothing and sees nothing twice.
//!
//! A resource that people watch counts its changes in `seq` and remembers each change of *state* as a
//! [`Transition`]. Every frame carries the whole history of states, which is short, so frames may be lost,
//! repeated, merged or reordered on the way: a client that keeps the highest `seq` it has seen, drops frames at or
//! below it, and shows the transitions above it, sees each state once and in order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{MiningId, Timestamp, TrainingSessionId, UploadId};

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transition<State> {
    /// The resource's `seq` when it entered the state.
    pub seq: u64,
    /// The state it entered.
    pub state: State,
    /// When.
    pub at: Timestamp,
}

/// The transitions a client that has seen everything up to `seen` still lacks.
pub fn unseen<State>(transitions: &[Transition<State>], seen: u64) -> &[Transition<State>] {
    let first = transitions.partition_point(|transition| transition.seq <= seen);
    &transitions[first..]
}

/// Something a socket may subscribe to, within its own tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// `uploads/<id>`
    Upload(UploadId),
    /// `training-sessions/<id>`
    TrainingSession(TrainingSessionId),
    /// `minings/<id>`
    Mining(MiningId),
    /// `tenant`: every upload, training session and mining of the tenant.
    Tenant,
}

/// A text that names no topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such topic; write training-sessions/<id>, uploads/<id>, minings/<id> or tenant")]
pub struct UnknownTopic;

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        match text.split_once('/') {
            None if text == "tenant" => Ok(Self::Tenant),
            Some(("uploads", id)) => id.parse().map(Self::Upload).map_err(|_| UnknownTopic),
            Some(("training-sessions", id)) => id.parse().map(Self::TrainingSession).map_err(|_| UnknownTopic),
            Some(("minings", id)) => id.parse().map(Self::Mining).map_err(|_| UnknownTopic),
            _ => Err(UnknownTopic),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(id) => write!(f, "uploads/{id}"),
            Self::TrainingSession(id) => write!(f, "training-sessions/{id}"),
            Self::Mining(id) => write!(f, "minings/{id}"),
            Self::Tenant => f.write_str("tenant"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_topic_reads_back_as_it_was_written() {
        let id = Uuid::from_u128(7);
        for topic in [
            Topic::Upload(UploadId::new(id)),
            Topic::TrainingSession(TrainingSessionId::new(id)),
            Topic::Mining(MiningId::new(id)),
            Topic::Tenant,
        ] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for other in ["", "tenant/", "uploads/", "uploads/1", "models/x", "TENANT"] {
            assert_eq!(other.parse::<Topic>(), Err(UnknownTopic), "{other}");
        }
    }

    /// What a client does with a frame, as the module's promise words it.
    fn apply(seen: &mut u64, shown: &mut Vec<u64>, frame: &[Transition<u8>], seq: u64) {
        if seq <= *seen {
            return;
        }
        shown.extend(unseen(frame, *seen).iter().map(|transition| transition.seq));
        *seen = seq;
    }

    proptest! {
        #[test]
        fn lost_repeated_and_reordered_frames_show_every_state_once_in_order(
            changes in prop::collection::vec(any::<bool>(), 1..40),
            frames in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
        ) {
            let mut history = Vec::new();
            let mut states = Vec::new();
            for (index, is_transition) in changes.iter().enumerate() {
                let seq = index as u64 + 1;
                if *is_transition {
                    states.push(Transition { seq, state: 0u8, at: Timestamp::UNIX_EPOCH });
                }
                history.push((states.clone(), seq));
            }
            let (mut seen, mut shown) = (0, Vec::new());
            for frame in frames {
                let (states, seq) = frame.get(&history);
                apply(&mut seen, &mut shown, states, *seq);
            }
            let (all, last) = history.last().unwrap();
            apply(&mut seen, &mut shown, all, *last);
            let expected: Vec<u64> = all.iter().map(|transition| transition.seq).collect();
            prop_assert_eq!(shown, expected);
        }
    }
}
