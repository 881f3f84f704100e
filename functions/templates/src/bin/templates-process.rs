//! `POST /v1/templates/{template_id}/process`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.process", romashka_templates::process::process)
}
