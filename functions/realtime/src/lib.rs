//! Live updates over a WebSocket.
//!
//! State lives in the table; a frame is a hint that says how far the client lags behind. A client that subscribes is
//! answered with a snapshot, so it may come, drop and come back at any moment: `docs/realtime.md` has the protocol.

pub mod connect;
pub mod disconnect;
pub mod fallback;
mod frame;
pub mod push;
mod socket;
pub mod subscribe;
pub mod ticket;
pub mod unsubscribe;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(ticket::issue_ticket))]
pub struct Api;
