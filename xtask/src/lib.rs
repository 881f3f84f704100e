//! The one entry point: sets up, builds, runs, trains, tests, shows logs.
//!
//! Everything goes through the public API, the way a tenant would; only `cloud` knows that the cloud is local.
//! The tests use the same [`client`] and [`feed`], so what they show is what a tenant meets.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

pub mod answered;
pub mod bench;
pub mod check;
pub mod client;
pub mod cloud;
pub mod emotion;
pub mod feed;
pub mod fuzz;
pub mod job;
pub mod licences;
pub mod logs;
pub mod redrive;
pub mod score;
pub mod setup;

use std::path::PathBuf;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}
