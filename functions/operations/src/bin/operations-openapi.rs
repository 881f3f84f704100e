//! `GET /openapi.json`

fn main() -> romashka_http::Exit {
    romashka_http::serve("openapi.get", romashka_operations::openapi::openapi)
}
