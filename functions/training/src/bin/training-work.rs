//! Turns one batch of rows into features.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_queue("training.work", romashka_training::work::work)
}
