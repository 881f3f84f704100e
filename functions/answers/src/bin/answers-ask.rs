//! `POST /v1/answers`

fn main() -> romashka_http::Exit {
    romashka_http::serve("answers.ask", romashka_answers::ask::ask)
}
