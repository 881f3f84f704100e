//! `GET /v1/training-sessions`

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.list", romashka_training::list::list_sessions)
}
