//! `subscribe` of the WebSocket API.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.subscribe", romashka_realtime::subscribe::subscribe)
}
