//! `GET /v1/uploads/{upload_id}/errors`

fn main() -> romashka_http::Exit {
    romashka_http::serve("uploads.errors", romashka_uploads::errors::get_row_errors)
}
