//! `POST /v1/uploads/{upload_id}/preview`. A document is read by a child of it.

use std::process::{ExitCode, Termination};

fn main() -> ExitCode {
    let serve = || romashka_http::serve("uploads.preview", romashka_uploads::preview::preview_upload).report();
    romashka_documents::sandbox::child().unwrap_or_else(serve)
}
