//! What Romashka learns from a tenant's past conversations, and how it judges a new message.
//!
//! The crate is pure: it sees byte slices and text, never a clock, a file, a network or a thread pool. That is
//! what lets it promise the one thing the rest of the platform leans on: **the same rows, parameters and code
//! give the same artefact, byte for byte**, however the rows were ordered, split into batches or delivered twice.
//!
//! The road from text to answer:
//!
//! 1. a worker turns each text into a [`FeaturisedRow`] and a list of them into a [`batch`];
//! 2. the reducer reads every batch twice: once into [`DocumentFrequencies`], which become a [`Vocabulary`],
//!    and once into a [`TrainingSet`];
//! 3. [`fit`] evaluates the recipe on rows it never saw, calibrates it, and fits the [`Model`] that is served;
//! 4. [`Model::predict`] answers with an intent and a calibrated confidence, or says that the message is out of
//!    scope and why.
//!
//! # Determinism
//! Rows are identified and ordered by the hash of their content; sums run in one fixed order on one thread;
//! `exp` and `ln` come from the `libm` crate rather than the platform, and Rust neither contracts nor reorders
//! floating-point operations. So x86-64 and aarch64 should agree on every bit; a test holds every platform to one hash.

pub mod batch;
mod calibration;
pub mod clusters;
mod communities;
pub mod comparison;
pub mod content;
pub mod doctor;
pub mod embedding;
pub mod emotion;
pub mod evaluation;
mod exponential;
pub mod features;
mod head;
pub mod hold_out;
pub mod knowledge;
pub mod language;
pub mod lexical;
mod memory;
pub mod message;
pub mod model;
mod names;
pub mod neighbours;
mod parallel;
pub mod parameters;
mod pool;
mod regions;
pub mod report;
pub mod scope;
pub mod search;
#[cfg(test)]
mod sentences;
mod subspace;
pub mod topics;
pub mod training;
pub mod versions;
pub mod vocabulary;

pub use batch::{Batch, FeaturisedRow};
pub use calibration::{Calibration, OperatingPoint, OutOfScopeReason, Tier};
pub use content::{ContentHash, Group};
pub use embedding::{Embedding, Meaning};
pub use evaluation::Evaluation;
pub use features::FeatureCounts;
pub use message::Message;
pub use model::{ArtefactError, Model, Prediction, model_hash};
pub use parameters::Parameters;
pub use training::{Fitted, Progress, TrainingError, TrainingSet, fit};
pub use vocabulary::{DocumentFrequencies, Vocabulary};

/// The label of rows that belong to no intent: small talk, spam, another company's business.
///
/// Such rows become a background class of the head and help to set the out-of-scope rule; the label is never
/// offered as an intent.
pub const OUT_OF_SCOPE_LABEL: &str = "oos";

/// Version of the method. It is part of every artefact and changes whenever the same rows and parameters
/// would no longer give the same bytes.
pub const CODE_VERSION: u32 = 4;
