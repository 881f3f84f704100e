//! `GET /v1/feedback`

fn main() -> romashka_http::Exit {
    romashka_http::serve("feedback.list", romashka_answers::list_feedback::list_feedback)
}
