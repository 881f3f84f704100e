//! Agents' replies, read as answers to other customers.
//!
//! A reply was written to one person: it opens with that person's name, closes with the agent's, and holds an order
//! number, a date or an amount that is true for nobody else. To answer the next customer with it,
//!
//! 1. [`read`] takes the salutation, the closing and the signature off and tells the [`Act`](romashka_types::reply::Act): an answer, a question back,
//!    a promise, a hand-over or a courtesy;
//! 2. a [`Corpus`] of many replies tells apart facts, which several conversations share ("within 30 days"), from values
//!    of one conversation, and names from words;
//! 3. [`Corpus::generalise`] drops the sentences that a team opens and closes all its replies with, and turns names and
//!    values of one conversation into slots, `{{ order.number }}`;
//! 4. [`fill`] writes the answer for a new question: slots are filled from the question and the caller's context, and
//!    sentences with a slot that stays empty are left out.
//!
//! The aim: **no name and no value of one conversation is in a filled answer**, unless the question or the context brought
//! it. Names are known by their place and by their capitals, so in scripts without capitals a name in a salutation may
//! stay, and in German one in the middle of a sentence. Cues are short lists in several languages.

mod acts;
mod boilerplate;
mod corpus;
mod filling;
mod need;
mod reading;

pub use self::corpus::{Corpus, Generalised};
pub use self::filling::{MAX_CONTEXT_VALUES, fill};
pub use self::need::{MAX_EARLIER_BYTES, Speaker, need};
pub use self::reading::{ReadReply, is_courtesy, read};

/// Bytes of a reply that are read; the rest is cut off.
pub const MAX_BYTES: usize = crate::MAX_REPLY_BYTES;
