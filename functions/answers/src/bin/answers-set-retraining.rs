//! `PUT /v1/retraining`

fn main() -> romashka_http::Exit {
    romashka_http::serve("retraining.set", romashka_answers::set_retraining::set_retraining)
}
