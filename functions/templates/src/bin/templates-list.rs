//! `GET /v1/templates`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.list", romashka_templates::list::list_templates)
}
