//! Exports of help desks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romashka_ingest::Kind;

fuzz_target!(|data: &[u8]| {
    let _ = romashka_fuzz::read(data, Kind::Conversations, &romashka_fuzz::options());
});
