//! `GET /v1/uploads`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.list", romashka_uploads::list::list_uploads)
}
