//! The tenant's model versions.

use romashka_domain::Permission;
use romashka_domain::model::Model;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request};

/// List model versions, newest first.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "models.list", tag = "models",
    params(PageQuery),
    responses((status = 200, description = "A page of model versions.", body = Listing<Model>), Refusals)
)]
pub async fn list_models(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadModels)?;
    let (size, cursor) = request.page()?;
    Reply::page(caller.store.models().list(size, cursor.as_ref()).await?)
}
