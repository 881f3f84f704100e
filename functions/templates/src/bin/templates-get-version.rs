//! `GET /v1/templates/{template_id}/versions/{version}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.versions.get", romashka_templates::versions::get_version)
}
