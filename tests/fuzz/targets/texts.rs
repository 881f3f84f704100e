//! Plain text, Markdown and HTML.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let Some((kind, body)) = romashka_fuzz::kind(data.as_bytes()) else { return };
    let markup: &[u8] = match data.len() % 3 {
        0 => b"",
        1 => b"<!doctype html><html><body>",
        _ => b"# Returns\n\n",
    };
    let _ = romashka_fuzz::read(&[markup, body].concat(), kind, &romashka_fuzz::options());
});
