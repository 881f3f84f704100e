//! `POST /v1/templates/{template_id}/versions/{version}/restore`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.versions.restore", romashka_templates::revert::revert_template)
}
