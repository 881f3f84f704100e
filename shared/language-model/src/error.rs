//! Why there is no answer.

use std::time::Duration;

/// Why there is no answer. Made of constants and numbers: nothing that was asked or answered can be in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A setting is wrong, or names what the endpoint does not know. Stays until an operator mends it.
    #[error("{setting} {why}")]
    Misconfigured {
        /// The variable of the environment.
        setting: &'static str,
        /// What is wrong with it and how to mend it.
        why: &'static str,
    },
    /// The caller asked for what cannot be asked.
    #[error("{0}")]
    BadPrompt(&'static str),
    /// The prompt is longer than [`MAX_PROMPT_BYTES`](crate::MAX_PROMPT_BYTES), or than the model can hold.
    #[error("the prompt is too long for the language model; shorten it")]
    PromptTooLong,
    /// The endpoint does not let us in: wrong key, no permission, nothing paid.
    #[error(
        "the language model refuses with status {status}; check its key, the permission for this model and its plan"
    )]
    Refused {
        /// The endpoint's HTTP status.
        status: u16,
    },
    /// The endpoint takes the request for wrong.
    #[error("the language model takes the request for wrong, with status {status}; check that it is a model for chat")]
    Rejected {
        /// The endpoint's HTTP status.
        status: u16,
    },
    /// The endpoint has too much to do, or we asked too often.
    #[error("the language model is asked too often; ask later or raise its quota")]
    Throttled {
        /// When the endpoint wants to be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The endpoint cannot be reached or fails.
    #[error("the language model is unavailable{}; ask later", told(*status))]
    Unavailable {
        /// Its HTTP status; `None` where none came.
        status: Option<u16>,
    },
    /// The deadline passed, or the endpoint's own did.
    #[error("the language model did not answer in time; ask for less, or later")]
    TimedOut,
    /// What came is not an answer of this protocol.
    #[error("the language model's answer {0}")]
    Malformed(&'static str),
    /// The answer is longer than [`MAX_ANSWER_BYTES`](crate::MAX_ANSWER_BYTES).
    #[error("the language model's answer is over 1 MiB; ask for fewer tokens")]
    TooLong,
    /// A filter of the endpoint stopped the question or the answer, or the model declines.
    #[error("the language model's filter stopped the question or the answer; word it otherwise")]
    Filtered,
}

impl ModelError {
    /// Whether the same question may be answered later with nobody mending anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. } | Self::TimedOut)
    }

    /// One word for a metric.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Misconfigured { .. } => "misconfigured",
            Self::BadPrompt(_) => "bad_prompt",
            Self::PromptTooLong => "prompt_too_long",
            Self::Refused { .. } => "refused",
            Self::Rejected { .. } => "rejected",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Malformed(_) => "malformed",
            Self::TooLong => "too_long",
            Self::Filtered => "filtered",
        }
    }
}

fn told(status: Option<u16>) -> String {
    status.map(|status| format!(" and answers with status {status}")).unwrap_or_default()
}

/// One attempt that went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub error: ModelError,
    pub may_repeat: bool,
    /// What `Retry-After` says.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// The endpoint was not reached.
    pub fn unreached() -> Self {
        Self { error: ModelError::Unavailable { status: None }, may_repeat: true, retry_after: None }
    }

    /// What a status says by itself, in both protocols. Both name the model in the path or body, so 404 is a setting.
    pub fn of_status(status: u16, retry_after: Option<Duration>, not_found: ModelError) -> Self {
        let (error, may_repeat) = match status {
            401..=403 => (ModelError::Refused { status }, false),
            404 | 405 => (not_found, false),
            408 => (ModelError::TimedOut, false),
            429 => (ModelError::Throttled { retry_after }, true),
            500..=599 => (ModelError::Unavailable { status: Some(status) }, true),
            _ => (ModelError::Rejected { status }, false),
        };
        Self { error, may_repeat, retry_after }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self { error, may_repeat: false, retry_after: None }
    }
}
