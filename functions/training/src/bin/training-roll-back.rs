//! `POST /v1/deployment/rollback`

fn main() -> romashka_http::Exit {
    romashka_http::serve("deployment.rollback", romashka_training::roll_back::roll_back)
}
