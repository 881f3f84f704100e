//! `POST /v1/templates/{template_id}/duplicate`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.duplicate", romashka_templates::duplicate::duplicate_template)
}
