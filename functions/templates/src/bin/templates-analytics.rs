//! Tells how a template is used, and how well it does.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.analytics", romashka_templates::analytics::analytics)
}
