//! Uploads: from an announced file to clean rows that training can draw on.
//!
//! The bytes never pass through the API: a client announces a file, sends it to S3 at the presigned address, and S3's
//! event starts the reading. See `docs/delivery.md` for what happens when that event comes twice, late or never.

pub mod create;
pub mod errors;
pub mod get;
pub mod ingest;
pub mod list;
mod reading;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(create::create_upload, get::get_upload, list::list_uploads, errors::get_row_errors))]
pub struct Api;
