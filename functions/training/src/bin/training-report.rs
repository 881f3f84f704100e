//! Gives the report on a training session.

fn main() -> romashka_http::Exit {
    romashka_http::serve("training.report", romashka_training::get_report::get_report)
}
