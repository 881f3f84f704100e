//! `POST /v1/uploads/{upload_id}/commit`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.commit", romashka_uploads::commit::commit_upload)
}
