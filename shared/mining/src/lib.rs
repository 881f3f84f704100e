//! Reply templates found in what agents wrote.
//!
//! Agents write the same things again and again, each time with another name, number or date in it. [`mine`] finds what
//! repeats and proposes it as a template in Liquid, with the parts that differ as typed variables:
//!
//! 1. names, amounts, dates and the like are recognised by their shape, and stand aside while replies are compared;
//! 2. replies that share most of their words come together, by locality-sensitive hashing;
//! 3. the replies of a group are laid beside the one in their middle, word by word: where they differ in a few words that
//!    look like the name or value of something, there is a variable; where they differ in how they put it, the majority
//!    speaks, or nobody;
//! 4. the values tell what a variable holds, the words beside it what it is called;
//! 5. every member is matched with what came of it, and those that do not fit go back, once.
//!
//! Replies that are not like others as a whole may still have sentences in common: those are proposed as passages.
//!
//! Where a team has no replies that repeat, [`draft`] makes a template of a goal and a few examples.
//!
//! The crate is pure: no clock, no file, no network. It promises that
//!
//! * **the same replies give the same proposals**, in whatever order they come;
//! * **every source parses**, its variables are those that are listed, and braces that agents wrote are shown as they are;
//! * **time and memory are bounded**, for hostile replies too: [`MAX_REPLIES`], [`MAX_TOTAL_BYTES`], [`MAX_REPLY_BYTES`].
//!
//! Replies must be redacted: values and whole replies are shown as examples. The placeholders of redaction become
//! variables of their names.
//!
//! ```
//! use romashka_mining::{Reply, Settings, mine};
//!
//! let replies: Vec<Reply> = ["AB-1043", "AB-2201", "XK-9310"]
//!     .into_iter()
//!     .map(|order| Reply {
//!         conversation: format!("about {order}"),
//!         text: format!("Thank you for waiting! Your order {order} has left our house today."),
//!         language: Some("en".to_owned()),
//!         resolved: None,
//!     })
//!     .collect();
//! let mined = mine(&replies, &Settings::default()).unwrap();
//! assert_eq!(
//!     mined.proposals[0].source,
//!     "Thank you for waiting! Your order {{ order.number }} has left our house today."
//! );
//! ```

mod alignment;
pub mod draft;
mod groups;
mod matching;
mod mining;
mod naming;
mod pattern;
mod recognise;
pub mod replies;
mod slots;
mod source;
mod tokens;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use matching::{COVERED, Found, Matcher, Text};
pub use mining::mine;
pub use slots::{LEAST_OF_CHOICE, MAX_EXAMPLES, MAX_OPTIONS, MAX_VALUE_CHARS, SlotKind};

/// Replies that are mined at once.
pub const MAX_REPLIES: usize = 50_000;
/// Bytes of all their texts.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a reply; a longer one is counted, and not mined.
pub const MAX_REPLY_BYTES: usize = 8 * 1024;
/// Words and marks of a reply; one with more is counted, and not mined.
pub const MAX_REPLY_TOKENS: usize = 1_000;
/// Words that a proposal must say itself: less is written faster than it is looked up.
pub const LEAST_WORDS: usize = 4;
/// Whole replies shown with a proposal.
pub const MAX_EXEMPLARS: usize = 3;
/// Conversations named with a proposal.
pub const MAX_CONVERSATIONS: usize = 20;

/// What an agent wrote, redacted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reply {
    /// The words.
    pub text: String,
    /// The conversation that it is from.
    pub conversation: String,
    /// The language as a BCP 47 tag, where it is known: `en`.
    pub language: Option<String>,
    /// Whether the conversation was resolved, where that is known. Such replies are shown first.
    pub resolved: Option<bool>,
}

/// What is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Replies that must fit a proposal; at least 2.
    pub least_replies: usize,
    /// Proposals, and passages, at most: those that cover most.
    pub most_proposals: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { least_replies: 3, most_proposals: 200 }
    }
}

/// Why nothing was mined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MiningError {
    /// More replies than are mined at once.
    #[error("{found} replies exceed the {MAX_REPLIES} that are mined at once; take the latest ones")]
    TooManyReplies {
        /// Replies that were offered.
        found: usize,
    },
    /// More text than is mined at once.
    #[error(
        "the replies have {found} bytes, more than the {MAX_TOTAL_BYTES} that are mined at once; take the latest ones"
    )]
    TooLarge {
        /// Bytes that were offered.
        found: usize,
    },
}

/// What came of mining.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Mined {
    /// Replies that were given.
    pub replies: usize,
    /// Those that are left out: empty, too short to be worth a template, too long, or beyond what is mined at once.
    pub left_out: usize,
    /// Those that one of the proposals covers as a whole.
    pub covered: usize,
    /// Those of the others that have a sentence of one of the passages.
    pub partly_covered: usize,
    /// Templates of whole replies; those that cover most come first.
    pub proposals: Vec<Proposal>,
    /// Templates of sentences that are in replies which no proposal covers.
    pub passages: Vec<Proposal>,
}

/// A template that is proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// A short title, made of its most telling words.
    pub name: String,
    /// The template, in Liquid.
    pub source: String,
    /// Its variables, in the order of their first places.
    pub variables: Vec<Slot>,
    /// The language of most of its replies, where it is known.
    pub language: Option<String>,
    /// Replies that it covers.
    pub replies: usize,
    /// Those of them whose conversation is known to be resolved.
    pub resolved: usize,
    /// The share of all replies that it covers, 0 to 1.
    pub share: f64,
    /// Whole replies that it covers, each another; for a passage the sentence alone.
    pub exemplars: Vec<String>,
    /// Conversations that it was found in, ascending.
    pub conversations: Vec<String>,
}

/// A variable of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// Its name, such as `order.number`.
    pub name: String,
    /// What it holds.
    pub kind: SlotKind,
    /// The commonest value, if it stands in more than half of the replies; as the type has it: `2026-11-27`, `1299.00`.
    pub default: Option<String>,
    /// Values that were seen, the commonest first. None where redaction hid them.
    pub examples: Vec<String>,
    /// Replies in which its value was seen.
    pub seen: usize,
}
