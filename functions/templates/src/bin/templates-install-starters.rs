//! Makes templates of starters.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.install_starters", romashka_templates::install::install_starters)
}
