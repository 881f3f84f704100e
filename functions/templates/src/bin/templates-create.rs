//! `POST /v1/templates`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.create", romashka_templates::create::create_template)
}
