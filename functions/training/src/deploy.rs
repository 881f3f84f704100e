//! Lets a model version answer.

use romashka_domain::model::Deployment;
use romashka_domain::{ModelId, Permission};
use romashka_http::{IdempotencyKey, IfMatch, Problem, Refusals, Reply, Request, not_found};

/// Deploy a model version. It answers from the next question on.
#[utoipa::path(
    post, path = "/v1/models/{model_id}/deploy", operation_id = "models.deploy", tag = "models",
    params(("model_id" = String, Path, format = "uuid", description = "The model version."), IdempotencyKey, IfMatch),
    responses((status = 200, description = "The deployment now in force.", body = Deployment), Refusals)
)]
pub async fn deploy_model(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Deploy)?;
    let id: ModelId = request.path_id("model_id", "model")?;
    let expected = request.if_match()?;
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("models.deploy", &caller, |decision| async move {
            let model = store.models().get(id).await?.ok_or_else(|| not_found("model"))?;
            let current = store.deployments().current().await?;
            // It answers already: decided before, or by an earlier arrival of this request that crashed.
            if let Some(current) = current.as_ref().filter(|current| current.model_id == id) {
                return Ok(Reply::ok(current)?.etag(current.revision));
            }
            check_version(current.as_ref(), expected)?;
            let next = Deployment::deploy(current.as_ref(), &model, decision, user, store.now());
            if !store.deployments().supersede(current.as_ref(), &next).await? {
                return Err(overtaken());
            }
            Ok(Reply::ok(&next)?.etag(next.revision))
        })
        .await
}

/// Refuses a client that decided on the ground of another deployment than the one in force.
pub(crate) fn check_version(current: Option<&Deployment>, expected: Option<u64>) -> Result<(), Problem> {
    let revision = current.map_or(0, |current| current.revision);
    if expected.is_none_or(|expected| expected == revision) {
        return Ok(());
    }
    Err(Problem::precondition_failed("another deployment is in force by now; read it and decide again"))
}

pub(crate) fn overtaken() -> Problem {
    Problem::precondition_failed("somebody else deployed at the same moment; read the deployment and decide again")
}
