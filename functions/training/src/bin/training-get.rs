//! `GET /v1/training-sessions/{session_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.get", romashka_training::get::get_session)
}
