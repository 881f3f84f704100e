//! Makes templates of what a mining proposes.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.accept_proposals", romashka_templates::minings::accept::accept_proposals)
}
