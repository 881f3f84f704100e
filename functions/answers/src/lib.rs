//! The deployed model at work.

pub mod ask;
mod models;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(ask::ask))]
pub struct Api;
