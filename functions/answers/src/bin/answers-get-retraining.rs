//! `GET /v1/retraining`

fn main() -> romashka_http::Exit {
    romashka_http::serve("retraining.get", romashka_answers::get_retraining::get_retraining)
}
