//! `POST /v1/uploads/{upload_id}/complete`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.complete", romashka_uploads::parts::complete)
}
