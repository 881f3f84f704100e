//! Hands out a ticket that opens a socket.

use romashka_domain::{Permission, Timestamp};
use romashka_http::{Problem, Refusals, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

/// A ticket that opens one socket.
#[derive(Debug, Serialize, ToSchema)]
pub struct SocketTicket {
    /// The ticket; it works once.
    pub ticket: String,
    /// The socket's whole address, the ticket included.
    pub url: String,
    /// When the ticket stops working.
    pub expires_at: Timestamp,
}

/// Get a ticket that opens a socket for live updates: once, within 30 seconds.
///
/// It takes no `Idempotency-Key`: a ticket that was handed out twice would not be a one-time ticket.
#[utoipa::path(
    post, path = "/v1/realtime/tickets", operation_id = "realtime.ticket", tag = "realtime",
    responses((status = 201, description = "A ticket.", body = SocketTicket), Refusals)
)]
pub async fn issue_ticket(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Listen)?;
    let socket = std::env::var("SOCKET_URL").map_err(Problem::internal)?;
    let issued = caller.store.tickets().issue(&caller.identity).await?;
    let url = format!("{socket}?ticket={}", issued.ticket);
    Reply::created("/v1/realtime/tickets", &SocketTicket { ticket: issued.ticket, url, expires_at: issued.expires_at })
}
