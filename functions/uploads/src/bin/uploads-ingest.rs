//! A file has come: S3 tells the ingest queue, the queue tells this. A document is read by a child of it.

use std::process::{ExitCode, Termination};

fn main() -> ExitCode {
    let serve = || romashka_worker::serve_messages("uploads.ingest", romashka_uploads::ingest::ingest).report();
    romashka_documents::sandbox::child().unwrap_or_else(serve)
}
