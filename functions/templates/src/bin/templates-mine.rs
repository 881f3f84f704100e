//! Finds templates in what agents wrote.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_queue("templates.mine", romashka_templates::minings::work::work)
}
