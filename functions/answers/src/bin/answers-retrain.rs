//! Once a day: starts the retraining of each tenant that is due for one.

fn main() -> romashka_worker::Exit {
    romashka_worker::serve_event("retraining.daily", romashka_answers::retrain::retrain_all)
}
