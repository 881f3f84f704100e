//! Something changed: the table's stream tells this, this tells the queue of what follows from it.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("operations.dispatch", romashka_operations::dispatch::dispatch)
}
