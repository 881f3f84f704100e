//! `unsubscribe` of the WebSocket API.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.unsubscribe", romashka_realtime::unsubscribe::unsubscribe)
}
