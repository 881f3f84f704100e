//! A sentence encoder small enough for a function's cold start: all-MiniLM-L6-v2 in bytes, with its tokenizer.
//!
//! It exists because the general runtimes need a quarter of a second and more than a hundred megabytes before their
//! first answer. This one maps a [`package`] and reads only what it uses.
//!
//! ```no_run
//! use romashka_encoder::{Encoder, Scratch};
//!
//! let encoder = Encoder::open("encoder.bin".as_ref())?;
//! let question = encoder.tokens("where is my parcel?");
//! let glance = encoder.glance(&question); // microseconds
//! let encodings = encoder.encode(&[question], &mut Scratch::default()); // milliseconds
//! # Ok::<(), romashka_encoder::EncoderError>(())
//! ```
//!
//! What it promises:
//! - **The same text and package give the same bits**, on every processor and [`Kernel`], alone or in a batch.
//! - Any text has an encoding, in bounded time and memory; no package, however broken, is undefined behaviour.
//! - [`quantise`] makes the same package from the same weights on every machine.

#[cfg(not(target_endian = "little"))]
compile_error!("packages are little-endian and used where they lie; big-endian machines would need a copy");

mod architecture;
mod arithmetic;
mod bytes;
mod distil;
mod eigen;
mod encoder;
mod forward;
mod kernel;
pub mod package;
mod quantise;
mod shipped;
#[cfg(test)]
mod tests;
mod vocabulary;
mod wordpiece;

pub use architecture::{GLANCE, HIDDEN, MAX_TOKENS, VOCABULARY};
pub use encoder::{Encoder, EncoderError, PACKED_TOKENS};
pub use forward::{Encoding, Scratch};
pub use kernel::Kernel;
pub use package::{PackageError, verify};
pub use quantise::{MAX_VOCABULARY_BYTES, MAX_WEIGHT_BYTES, QuantiseError, quantise};
pub use shipped::{SHIPPED_AT, shipped};
pub use wordpiece::{MAX_TEXT_BYTES, Tokens};
