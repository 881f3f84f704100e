//! The tenant's minings.

use romashka_domain::Permission;
use romashka_domain::mining::Mining;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request};

/// List minings, newest first.
#[utoipa::path(
    get, path = "/v1/templates/minings", operation_id = "templates.list_minings", tag = "templates",
    params(PageQuery),
    responses((status = 200, description = "A page of minings.", body = Listing<Mining>), Refusals)
)]
pub async fn list_minings(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let (size, cursor) = request.page()?;
    Reply::page(caller.store.minings().list(size, cursor.as_ref()).await?)
}
