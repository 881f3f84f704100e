//! What the house promises of itself.

mod contract;
mod events;
