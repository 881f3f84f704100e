//! `GET /v1/templates/{template_id}/versions`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.versions.list", romashka_templates::versions::list_versions)
}
