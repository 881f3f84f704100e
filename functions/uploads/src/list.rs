//! The tenant's uploads.

use romashka_domain::Permission;
use romashka_domain::upload::Upload;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request};

/// List uploads, newest first.
#[utoipa::path(
    get, path = "/v1/uploads", operation_id = "uploads.list", tag = "uploads",
    params(PageQuery),
    responses((status = 200, description = "A page of uploads.", body = Listing<Upload>), Refusals)
)]
pub async fn list_uploads(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadUploads)?;
    let (size, cursor) = request.page()?;
    Reply::page(caller.store.uploads().list(size, cursor.as_ref()).await?)
}
