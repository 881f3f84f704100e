//! `POST /v1/realtime/tickets`

fn main() -> romashka_http::Exit {
    romashka_http::serve("realtime.ticket", romashka_realtime::ticket::issue_ticket)
}
