//! What operators and tools ask: is it alive, is it ready, what can it do.

pub mod live;
pub mod openapi;
pub mod ready;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(live::live, ready::ready, openapi::openapi))]
pub struct Api;
