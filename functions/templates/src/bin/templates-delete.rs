//! `DELETE /v1/templates/{template_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.delete", romashka_templates::delete::delete_template)
}
