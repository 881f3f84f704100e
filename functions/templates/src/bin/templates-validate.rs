//! `POST /v1/templates/validate`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.validate", romashka_templates::validate::validate)
}
