//! `GET /v1/templates/{template_id}/diff`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.diff", romashka_templates::diff::diff_versions)
}
