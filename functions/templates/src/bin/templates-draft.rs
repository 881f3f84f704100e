//! Drafts a template from what it is for and a few examples.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.draft", romashka_templates::draft::draft)
}
