//! `$disconnect` of the WebSocket API.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.disconnect", romashka_realtime::disconnect::disconnect)
}
