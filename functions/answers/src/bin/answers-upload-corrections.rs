//! `POST /v1/feedback/uploads`

fn main() -> romashka_http::Exit {
    romashka_http::serve("feedback.upload", romashka_answers::upload_corrections::upload_corrections)
}
