//! `POST /v1/training-sessions/{session_id}/retry`

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.retry", romashka_training::retry::retry_session)
}
