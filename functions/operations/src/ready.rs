//! Whether what functions depend on answers too.

use std::time::Duration;

use romashka_http::{Problem, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

/// A dependency that has not answered for this long is taken to be down.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok` or `unavailable`.
    pub status: &'static str,
    /// The table and the bucket: `ok` or `unavailable`.
    pub storage: &'static str,
}

/// Say whether requests can be served: functions run, the table and the bucket answer.
#[utoipa::path(
    get, path = "/v1/health/ready", operation_id = "health.ready", tag = "operations", security(()),
    responses(
        (status = 200, description = "They can.", body = Readiness),
        (status = 503, description = "They cannot.", body = Readiness)
    )
)]
pub async fn ready(request: Request) -> Result<Reply, Problem> {
    match tokio::time::timeout(PATIENCE, request.cloud().check()).await {
        Ok(Ok(())) => Reply::ok(&Readiness { status: "ok", storage: "ok" }),
        failed => {
            let cause = failed.map_or_else(|_| "no answer in time".to_owned(), |checked| format!("{checked:?}"));
            tracing::error!(cause, "a dependency is down");
            Reply::unavailable(&Readiness { status: "unavailable", storage: "unavailable" })
        }
    }
}
