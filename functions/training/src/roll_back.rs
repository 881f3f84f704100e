//! Goes back to the model version that answered before.

use romashka_domain::Permission;
use romashka_domain::model::Deployment;
use romashka_http::{IdempotencyKey, IfMatch, Problem, Refusals, Reply, Request, conflict, not_found};

use crate::deploy::{check_version, overtaken};

/// Roll back to the version that answered before the present one.
#[utoipa::path(
    post, path = "/v1/deployment/rollback", operation_id = "deployment.rollback", tag = "models",
    params(IdempotencyKey, IfMatch),
    responses((status = 200, description = "The deployment now in force.", body = Deployment), Refusals)
)]
pub async fn roll_back(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Deploy)?;
    let expected = request.if_match()?;
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("deployment.rollback", &caller, |decision| async move {
            let current = store.deployments().current().await?.ok_or_else(|| not_found("deployment yet"))?;
            if current.decision_id == decision {
                // An earlier arrival of this request did it and crashed before it could say so.
                return Ok(Reply::ok(&current)?.etag(current.revision));
            }
            check_version(Some(&current), expected)?;
            let Some(previous) = current.roll_back(decision, user, store.now()) else {
                return Err(conflict("nothing_to_roll_back_to", "no other version answered before this one"));
            };
            if !store.deployments().supersede(Some(&current), &previous).await? {
                return Err(overtaken());
            }
            Ok(Reply::ok(&previous)?.etag(previous.revision))
        })
        .await
}
