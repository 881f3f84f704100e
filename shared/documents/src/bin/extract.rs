//! Reads one document as a child and does nothing else.

fn main() -> std::process::ExitCode {
    romashka_documents::sandbox::child().unwrap_or(std::process::ExitCode::FAILURE)
}
