//! Tells the HTTP API who asks.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("identity.authorize", romashka_identity::authorize::authorize)
}
