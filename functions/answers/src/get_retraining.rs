//! When the tenant's corrections train by themselves.

use romashka_domain::Permission;
use romashka_domain::retraining::RetrainingPolicy;
use romashka_http::{Problem, Refusals, Reply, Request};

/// Get when corrections train by themselves.
#[utoipa::path(
    get, path = "/v1/retraining", operation_id = "retraining.get", tag = "training",
    responses((status = 200, description = "The policy; its defaults before the first decision.", body = RetrainingPolicy), Refusals)
)]
pub async fn get_retraining(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTraining)?;
    let policy = caller.store.retraining().policy().await?;
    Ok(Reply::ok(&policy)?.etag(policy.revision))
}
