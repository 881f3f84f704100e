//! Writes templates into a file.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.export", romashka_templates::export::export)
}
