//! Gives a mining.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.get_mining", romashka_templates::minings::get::get_mining)
}
