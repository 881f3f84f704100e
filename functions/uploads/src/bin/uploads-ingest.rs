//! A file has come: S3 tells the ingest queue, the queue tells this.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_messages("uploads.ingest", romashka_uploads::ingest::ingest)
}
