//! Notes that a template was used.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.use", romashka_templates::record_use::record_use)
}
