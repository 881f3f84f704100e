//! What operators and tools ask: is it alive, is it ready, what can it do; and what follows from a change.

pub mod dispatch;
pub mod live;
pub mod openapi;
pub mod ready;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(live::live, ready::ready, openapi::openapi))]
pub struct Api;
