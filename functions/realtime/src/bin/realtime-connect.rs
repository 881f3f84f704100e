//! `$connect` of the WebSocket API.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.connect", romashka_realtime::connect::connect)
}
