//! `$default` of the WebSocket API.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.default", romashka_realtime::fallback::fallback)
}
