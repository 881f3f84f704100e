//! Which model version answers.

use romashka_domain::Permission;
use romashka_domain::model::Deployment;
use romashka_http::{Problem, Refusals, Reply, Request, not_found};

/// Get the deployment in force.
#[utoipa::path(
    get, path = "/v1/deployment", operation_id = "deployment.get", tag = "models",
    responses((status = 200, description = "The deployment in force.", body = Deployment), Refusals)
)]
pub async fn get_deployment(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadModels)?;
    let current = caller.store.deployments().current().await?.ok_or_else(|| not_found("deployment yet"))?;
    Ok(Reply::ok(&current)?.etag(current.revision))
}
