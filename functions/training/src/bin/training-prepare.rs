//! Splits a session into batches.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_queue("training.prepare", romashka_training::prepare::prepare)
}
