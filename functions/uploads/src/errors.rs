//! The rows of an upload that were refused.

use romashka_domain::time::after;
use romashka_domain::{Permission, Timestamp};
use romashka_http::{Problem, Refusals, Reply, Request, not_found};
use romashka_store::objects::Object;
use serde::Serialize;
use utoipa::ToSchema;

use crate::get::named;

/// How long the address works, in seconds.
const DOWNLOAD_SECONDS: i64 = 5 * 60;

/// Where the list of refused rows can be had.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowErrorList {
    /// An address that gives a CSV file with the columns `row, column, code, why`, without further proof of identity.
    pub url: String,
    /// When the address stops working.
    pub expires_at: Timestamp,
}

/// Get the list of an upload's refused rows: row, column, why.
#[utoipa::path(
    get, path = "/v1/uploads/{upload_id}/errors", operation_id = "uploads.errors", tag = "uploads",
    params(("upload_id" = String, Path, format = "uuid", description = "The upload.")),
    responses((status = 200, description = "Where the list can be had.", body = RowErrorList), Refusals)
)]
pub async fn get_row_errors(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadUploads)?;
    let (id, upload) = named(&request, &caller).await?;
    if !upload.has_error_list() {
        return Err(not_found("error list; it exists once an upload has ended with refused rows"));
    }
    let expires_at = after(caller.store.now(), DOWNLOAD_SECONDS);
    let object = Object::RowErrors(id);
    let signed = caller.store.objects().presign_get(&object, "row-errors.csv", DOWNLOAD_SECONDS as u64).await?;
    Reply::ok(&RowErrorList { url: signed.url, expires_at })
}
