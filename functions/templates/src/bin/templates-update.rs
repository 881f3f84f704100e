//! `PUT /v1/templates/{template_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.update", romashka_templates::update::update_template)
}
