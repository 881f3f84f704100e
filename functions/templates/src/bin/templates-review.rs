//! Tells how a template could be written better.

fn main() -> romashka_http::Exit {
    romashka_templates::review::warm_up();
    romashka_http::serve("templates.review", romashka_templates::review::review)
}
