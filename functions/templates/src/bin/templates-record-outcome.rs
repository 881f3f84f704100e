//! Notes what became of a use of a template.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.record_outcome", romashka_templates::record_outcome::record_outcome)
}
