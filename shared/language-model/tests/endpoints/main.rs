//! What comes of asking an endpoint, by a server that really listens.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail on the spot")]

mod bedrock;
mod common;
mod openai;
