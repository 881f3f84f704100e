//! The one way an HTTP request is read, authorised and answered.
//!
//! A handler is `async fn(Request) -> Result<Reply, Problem>`. It cannot reach any data before
//! [`Request::authorise`] has given it a [`TenantStore`](romashka_store::TenantStore), and that asks for the permission
//! by name: neither the tenant nor the check can be forgotten. [`Problem`] is the only place that turns what went wrong
//! into a status.

mod authorizer;
mod document;
mod idempotent;
mod problem;
mod reply;
mod request;
mod serve;

pub use crate::authorizer::{Refusal, Verdict};
pub use crate::document::{IdempotencyKey, IfMatch, PageQuery, Refusals};
pub use crate::problem::{Problem, ProblemBody, conflict, invalid, invalid_field, not_found, too_large};
pub use crate::reply::{Listing, Reply};
pub use crate::request::{Caller, Request, read_value};
pub use crate::serve::{Exit, serve};
