//! `POST /v1/training-sessions`

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.start", romashka_training::start::start_session)
}
