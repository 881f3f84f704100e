//! Lists minings.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.list_minings", romashka_templates::minings::list::list_minings)
}
