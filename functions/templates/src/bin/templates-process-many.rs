//! `POST /v1/templates/{template_id}/process-batch`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.process_many", romashka_templates::process_many::process_many)
}
