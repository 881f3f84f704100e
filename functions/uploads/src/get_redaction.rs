//! What is hidden in what the tenant sends.

use romashka_domain::Permission;
use romashka_domain::redaction::RedactionPolicy;
use romashka_http::{Problem, Refusals, Reply, Request};

/// Get what is hidden in uploads.
#[utoipa::path(
    get, path = "/v1/redaction", operation_id = "redaction.get", tag = "uploads",
    responses((status = 200, description = "The policy in force.", body = RedactionPolicy), Refusals)
)]
pub async fn get_redaction(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadUploads)?;
    let policy = caller.store.redaction().policy().await?;
    Ok(Reply::ok(&policy)?.etag(policy.revision))
}
