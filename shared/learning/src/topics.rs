//! Topics and answers found in conversations that nobody has labelled.
//!
//! [`answers`] groups agents' replies that say the same in other words.

pub mod answers;
mod families;
mod views;

/// Why there are no topics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// More texts than are grouped at once.
    #[error(
        "{found} distinct texts exceed the {most} that are grouped at once; take those with the least content hashes, which are a fair sample"
    )]
    TooMany {
        /// Distinct texts that were offered.
        found: usize,
        /// Distinct texts that are grouped at once.
        most: usize,
    },
}
