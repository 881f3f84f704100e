//! Value types that the rules, the readers of files and the engines share.
//!
//! This crate stands below all others, so that two engines can speak of the same thing without knowing each other.

pub mod reply;
