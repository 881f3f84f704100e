//! `POST /v1/uploads/{upload_id}/parts`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.sign_parts", romashka_uploads::parts::sign_parts)
}
