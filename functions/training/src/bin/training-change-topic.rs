//! `PATCH /v1/topics/{topic_id}`

fn main() -> romashka_http::Exit {
    romashka_http::serve("topics.change", romashka_training::change_topic::change_topic)
}
