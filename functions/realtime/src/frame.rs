//! What goes over the wire to a client.

use romashka_domain::CorrelationId;
use romashka_domain::Timestamp;
use romashka_domain::feed::{Topic, unseen};
use romashka_domain::mining::Mining;
use romashka_domain::training::TrainingSession;
use romashka_domain::upload::Upload;
use serde_json::{Value, json};

/// Something that is watched.
pub enum Watched {
    /// An upload.
    Upload(Box<Upload>),
    /// A training session.
    TrainingSession(Box<TrainingSession>),
    /// A mining.
    Mining(Box<Mining>),
}

impl Watched {
    /// The topic that is about this resource alone.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Upload(upload) => Topic::Upload(upload.id),
            Self::TrainingSession(session) => Topic::TrainingSession(session.id),
            Self::Mining(mining) => Topic::Mining(mining.id),
        }
    }

    fn resource_type(&self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::TrainingSession(_) => "training_session",
            Self::Mining(_) => "mining",
        }
    }

    /// Counts the resource's changes.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Upload(upload) => upload.seq,
            Self::TrainingSession(session) => session.seq,
            Self::Mining(mining) => mining.seq,
        }
    }

    /// The `seq` of its last change of state.
    pub fn last_transition(&self) -> u64 {
        let last = match self {
            Self::Upload(upload) => upload.transitions.last().map(|transition| transition.seq),
            Self::TrainingSession(session) => session.transitions.last().map(|transition| transition.seq),
            Self::Mining(mining) => mining.transitions.last().map(|transition| transition.seq),
        };
        last.unwrap_or(0)
    }

    /// Leads to the request that caused it.
    pub fn correlation_id(&self) -> &CorrelationId {
        match self {
            Self::Upload(upload) => &upload.correlation_id,
            Self::TrainingSession(session) => &session.correlation_id,
            Self::Mining(mining) => &mining.correlation_id,
        }
    }

    /// A frame for a listener of `topic` who has seen everything up to `seen`.
    pub fn frame(&self, kind: &'static str, topic: &Topic, seen: u64, now: Timestamp) -> Value {
        let (resource, transitions) = match self {
            Self::Upload(upload) => (json!(upload), json!(unseen(&upload.transitions, seen))),
            Self::TrainingSession(session) => (json!(session.view(now)), json!(unseen(&session.transitions, seen))),
            Self::Mining(mining) => (json!(mining), json!(unseen(&mining.transitions, seen))),
        };
        json!({
            "type": kind,
            "topic": topic.to_string(),
            "resource_type": self.resource_type(),
            "seq": self.seq(),
            "transitions": transitions,
            "resource": resource,
            "correlation_id": self.correlation_id(),
            "sent_at": now,
        })
    }
}

/// A frame that says what was wrong with a message.
pub fn error(code: &'static str, detail: impl Into<String>) -> Value {
    json!({ "type": "error", "code": code, "detail": detail.into() })
}
