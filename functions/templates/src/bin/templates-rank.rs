//! Tells how templates do beside each other.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.rank", romashka_templates::analytics::rank)
}
