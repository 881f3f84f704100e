//! `GET /v1/templates/{template_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.get", romashka_templates::get::get_template)
}
