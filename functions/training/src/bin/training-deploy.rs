//! `POST /v1/models/{model_id}/deploy`

fn main() -> romashka_http::Exit {
    romashka_http::serve("models.deploy", romashka_training::deploy::deploy_model)
}
