//! A session is queued: the table's stream tells this, this tells the prepare queue.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("training.dispatch", romashka_training::dispatch::dispatch)
}
