//! Tells listeners what changed in the table.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("realtime.push", romashka_realtime::push::push)
}
