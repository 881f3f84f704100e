//! `GET /v1/models`

fn main() -> romashka_http::Exit {
    romashka_http::serve("models.list", romashka_training::list_models::list_models)
}
