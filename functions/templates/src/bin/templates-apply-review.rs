//! Makes a new version of a template with rewrites of its review.

fn main() -> romashka_http::Exit {
    romashka_templates::review::warm_up();
    romashka_http::serve("templates.apply_review", romashka_templates::apply_review::apply_review)
}
