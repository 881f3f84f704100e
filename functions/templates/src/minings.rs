//! Templates proposed from what agents wrote.
//!
//! ```text
//! start ─▶ work ─▶ list_proposals ─▶ accept     a proposal becomes a template, private to who accepts it
//! ```

pub mod accept;
pub mod get;
pub mod list;
pub mod list_proposals;
mod proposals;
pub mod start;
pub mod work;

const WHAT: &str = "mining";
