//! Lists what a mining proposes.

fn main() -> romashka_http::Exit {
    romashka_http::serve("templates.list_proposals", romashka_templates::minings::list_proposals::list_proposals)
}
