//! `POST /v1/answers/{answer_id}/feedback`

fn main() -> romashka_http::Exit {
    romashka_http::serve("feedback.give", romashka_answers::give_feedback::give_feedback)
}
