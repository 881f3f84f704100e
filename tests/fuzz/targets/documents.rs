//! Sheets and PDF documents, read by a child as they are in production: whatever it does to itself, its parent is told why.
#![no_main]

use std::io::{Read, Seek, Write};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use romashka_documents::Document;
use romashka_documents::sandbox::Sandbox;

/// Where the program is that reads one document as a child.
const CHILD: &str = "ROMASHKA_DOCUMENT_CHILD";

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::of(std::env::var_os(CHILD).expect("cargo xtask fuzz names the child's program")))
}

fuzz_target!(|data: &[u8]| {
    let Some(document) = Document::of(data) else { return };
    let mut file = tempfile::tempfile().expect("a place for a document");
    file.write_all(data).and_then(|()| file.rewind()).expect("a document on disk");
    let mut text = sandbox().extract(document, file).expect("a child starts");
    let mut extracted = Vec::new();
    if text.read_to_end(&mut extracted).is_ok() {
        assert!(std::str::from_utf8(&extracted).is_ok(), "what a child gives is UTF-8");
    }
});
