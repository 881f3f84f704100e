//! Tells the WebSocket API who connects.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("identity.authorize_socket", romashka_identity::authorize_socket::authorize_socket)
}
