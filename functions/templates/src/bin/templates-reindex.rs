//! Takes what changed of templates into the index that they are searched by.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_queue("templates.reindex", romashka_templates::reindex::reindex)
}
