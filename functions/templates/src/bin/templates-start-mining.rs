//! Has templates proposed from what agents wrote.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.start_mining", romashka_templates::minings::start::start_mining)
}
