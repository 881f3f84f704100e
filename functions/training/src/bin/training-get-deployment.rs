//! `GET /v1/deployment`

fn main() -> romashka_http::Exit {
    romashka_http::serve("deployment.get", romashka_training::get_deployment::get_deployment)
}
