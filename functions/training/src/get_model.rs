//! One model version.

use romashka_domain::model::Model;
use romashka_domain::{ModelId, Permission};
use romashka_http::{Problem, Refusals, Reply, Request, not_found};

/// Get a model version: what it knows and what it scored.
#[utoipa::path(
    get, path = "/v1/models/{model_id}", operation_id = "models.get", tag = "models",
    params(("model_id" = String, Path, format = "uuid", description = "The model version.")),
    responses((status = 200, description = "The model version.", body = Model), Refusals)
)]
pub async fn get_model(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadModels)?;
    let id: ModelId = request.path_id("model_id", "model")?;
    let model = caller.store.models().get(id).await?.ok_or_else(|| not_found("model"))?;
    Ok(Reply::ok(&model)?.etag(1))
}
