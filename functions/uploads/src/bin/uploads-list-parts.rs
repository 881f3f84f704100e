//! `GET /v1/uploads/{upload_id}/parts`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.list_parts", romashka_uploads::parts::list_parts)
}
