//! Finds templates by what somebody types.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.search", romashka_templates::search::search)
}
