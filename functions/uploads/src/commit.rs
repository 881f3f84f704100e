//! Lets a file be read that waits for it.

use romashka_domain::Permission;
use romashka_domain::upload::Upload;
use romashka_http::{Problem, Refusals, Reply, Request};
use romashka_ingest::Mapping;
use romashka_store::queues::IngestTask;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::create::check_mapping;
use crate::get::named;

/// Under which names of columns a file is to be read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitOrder {
    /// Those of the upload where it is left out.
    pub mapping: Option<Mapping>,
}

/// Let a file be read that was announced with `review`.
///
/// Said again before reading has begun, it changes nothing.
#[utoipa::path(
    post, path = "/v1/uploads/{upload_id}/commit", operation_id = "uploads.commit", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")), request_body = CommitOrder,
    responses((status = 200, description = "The upload; it will be read.", body = Upload), Refusals)
)]
pub async fn commit_upload(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::CreateUpload)?;
    let (id, upload) = named(&request, &caller).await?;
    let order: CommitOrder = request.json_or_default()?;
    let mapping = order.mapping.unwrap_or(upload.mapping);
    check_mapping(&mapping, upload.kind)?;
    let upload = caller.store.uploads().change(id, |upload| upload.commit(mapping.clone(), caller.store.now())).await?;
    // Whoever dies before this is answered with an error, and says it again.
    let task = IngestTask { upload_id: id, version: None, piece: None };
    caller.store.queues().send(&upload.correlation_id, [task]).await?;
    Ok(Reply::ok(&upload)?.etag(upload.seq))
}
