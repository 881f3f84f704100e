//! `GET /v1/topics`

fn main() -> romashka_http::Exit {
    romashka_http::serve("topics.list", romashka_training::list_topics::list_topics)
}
