//! What can go wrong between a function and the cloud.

use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use romashka_domain::NotAllowed;

/// A failure of storage. It says which operation failed, never which data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed the item in between.
    #[error("{0} lost a race with another change")]
    Conflict(&'static str),
    /// An item or object is not what this code writes.
    #[error("{what} is not readable: {why}")]
    Corrupt {
        /// Which kind of item or object.
        what: &'static str,
        /// What the reader stumbled over.
        why: String,
    },
    /// Something is larger than what a function may hold in memory.
    #[error("{what} has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Which kind of object.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// The template did not give this function a setting it needs.
    #[error("the environment lacks {0}")]
    Setting(&'static str),
    /// AWS refused or did not answer.
    #[error("{operation} failed ({code}): {detail}")]
    Aws {
        /// The operation, such as `dynamodb:GetItem`.
        operation: &'static str,
        /// AWS's code for it, or `none` where no answer came.
        code: String,
        /// The chain of causes.
        detail: String,
    },
}

/// Why an entity was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such entity in this tenant.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Its state does not allow the step.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Names the operation that an SDK error came from.
pub(crate) fn aws<E>(operation: &'static str) -> impl FnOnce(E) -> Error
where
    E: ProvideErrorMetadata + std::error::Error,
{
    move |error| Error::Aws {
        operation,
        code: error.code().unwrap_or("none").to_owned(),
        detail: DisplayErrorContext(&error).to_string(),
    }
}

/// A request that this code itself put together wrongly.
pub(crate) fn malformed(
    operation: &'static str,
) -> impl FnOnce(aws_smithy_types::error::operation::BuildError) -> Error {
    move |error| Error::Aws { operation, code: "malformed".to_owned(), detail: error.to_string() }
}
