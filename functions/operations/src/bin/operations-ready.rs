//! `GET /v1/health/ready`

fn main() -> romashka_http::Exit {
    romashka_http::serve("health.ready", romashka_operations::ready::ready)
}
