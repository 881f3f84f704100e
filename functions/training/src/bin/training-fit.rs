//! Fits, measures and keeps a model once every batch is in.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_queue("training.fit", romashka_training::fit::fit)
}
