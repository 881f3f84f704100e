//! `POST /v1/uploads`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.create", romashka_uploads::create::create_upload)
}
