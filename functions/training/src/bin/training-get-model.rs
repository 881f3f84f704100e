//! `GET /v1/models/{model_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("models.get", romashka_training::get_model::get_model)
}
