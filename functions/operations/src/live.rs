//! Whether functions run at all.

use romashka_http::{Problem, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

/// A sign of life.
#[derive(Debug, Serialize, ToSchema)]
pub struct Liveness {
    /// Always `ok`; a dead function does not answer.
    pub status: &'static str,
}

/// Say whether functions run at all; touches nothing else.
#[utoipa::path(
    get, path = "/v1/health/live", operation_id = "health.live", tag = "operations", security(()),
    responses((status = 200, description = "They do.", body = Liveness))
)]
pub async fn live(_request: Request) -> Result<Reply, Problem> {
    Reply::ok(&Liveness { status: "ok" })
}
