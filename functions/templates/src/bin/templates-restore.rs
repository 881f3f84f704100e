//! `POST /v1/templates/{template_id}/restore`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.restore", romashka_templates::restore::restore_template)
}
