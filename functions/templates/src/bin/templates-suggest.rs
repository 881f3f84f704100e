//! Suggests templates for a conversation.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.suggest", romashka_templates::suggest::suggest)
}
