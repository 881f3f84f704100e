//! Topics and answers found in conversations that nobody has labelled.
//!
//! [`answers`] groups agents' replies that say the same in other words. [`induce`] sorts exchanges into topics:
//!
//! 1. an exchange becomes a point by the words and the meaning of its question and of the reply it got, which tells topics
//!    apart better than the question; a question without a reply takes the middle of the replies to the nearest questions;
//! 2. communities of the graph of shared neighbours are merged into families: those that maximise modularity over the cosines
//!    between all of them, at the coarsest resolution whose silhouette is nearly the best;
//! 3. families of enough exchanges from enough conversations are topics; those that are mostly nearer to another one are
//!    none, and neither are exchanges that are hardly like the others;
//! 4. a topic is named by the words that its customers say and others do not.
//!
//! [`Topics::match_previous`] gives topics the identity and the name of those they continue. Measured by
//! `examples/topics.rs`. The same exchanges in any order give the same topics; nothing is random that is not seeded.

pub mod answers;
mod continuity;
mod families;
mod induction;
pub mod linkage;
mod naming;
mod views;

pub use continuity::{KnownTopic, MAX_KNOWN_QUESTIONS};
pub use induction::{Exchange, MAX_EXCHANGES, Topic, Topics, Utterance, induce};
pub use naming::TellingWord;

/// Conversations that make a topic, and that a word of its name must be in.
pub const MIN_CONVERSATIONS: usize = 3;

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
