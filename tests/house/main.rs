//! What the house promises of itself.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail on the spot")]

mod contract;
mod events;
