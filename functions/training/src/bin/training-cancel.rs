//! `POST /v1/training-sessions/{session_id}/cancel`

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.cancel", romashka_training::cancel::cancel_session)
}
