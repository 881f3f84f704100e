//! `GET /v1/health/live`

fn main() -> romashka_http::Exit {
    romashka_http::serve("health.live", romashka_operations::live::live)
}
