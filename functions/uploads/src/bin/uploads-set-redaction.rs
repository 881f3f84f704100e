//! `PUT /v1/redaction`

fn main() -> romashka_http::Exit {
    romashka_http::serve("redaction.set", romashka_uploads::set_redaction::set_redaction)
}
