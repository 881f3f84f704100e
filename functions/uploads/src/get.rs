//! One upload.

use romashka_domain::upload::Upload;
use romashka_domain::{Permission, UploadId};
use romashka_http::{Caller, Problem, Refusals, Reply, Request, not_found};

/// Get an upload: where it stands and what became of its rows.
#[utoipa::path(
    get, path = "/v1/uploads/{upload_id}", operation_id = "uploads.get", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")),
    responses((status = 200, description = "The upload.", body = Upload), Refusals)
)]
pub async fn get_upload(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadUploads)?;
    let (_, upload) = named(&request, &caller).await?;
    Ok(Reply::ok(&upload)?.etag(upload.seq))
}

/// The upload that a path names.
pub(crate) async fn named(request: &Request, caller: &Caller) -> Result<(UploadId, Upload), Problem> {
    let id = request.path_id("upload_id", "upload")?;
    let upload = caller.store.uploads().get(id).await?.ok_or_else(|| not_found("upload"))?;
    Ok((id, upload))
}
