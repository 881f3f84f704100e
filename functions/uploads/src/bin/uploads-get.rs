//! `GET /v1/uploads/{upload_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.get", romashka_uploads::get::get_upload)
}
