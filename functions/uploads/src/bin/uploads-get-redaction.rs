//! `GET /v1/redaction`

fn main() -> romashka_http::Exit {
    romashka_http::serve("redaction.get", romashka_uploads::get_redaction::get_redaction)
}
