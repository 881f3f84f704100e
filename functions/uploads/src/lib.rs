//! Uploads: from an announced file to clean rows that training can draw on.
//!
//! The bytes never pass through the API: a client announces a file, sends it to S3 at the presigned address, and S3's
//! event starts the reading. See `docs/delivery.md` for what happens when that event comes twice, late or never.

pub mod commit;
pub mod create;
pub mod errors;
pub mod get;
pub mod get_redaction;
mod identities;
pub mod ingest;
pub mod list;
pub mod parts;
pub mod preview;
pub mod reading;
pub mod set_redaction;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    create::create_upload,
    get::get_upload,
    list::list_uploads,
    errors::get_row_errors,
    parts::sign_parts,
    parts::list_parts,
    parts::complete,
    preview::preview_upload,
    commit::commit_upload,
    get_redaction::get_redaction,
    set_redaction::set_redaction,
))]
pub struct Api;
