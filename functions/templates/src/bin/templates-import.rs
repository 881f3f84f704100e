//! Makes templates of a file.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.import", romashka_templates::import::import)
}
