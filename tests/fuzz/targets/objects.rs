//! JSON and NDJSON that are nobody's export.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romashka_ingest::Kind;

fuzz_target!(|data: &[u8]| {
    for kind in [Kind::Utterances, Kind::Faq, Kind::Knowledge] {
        let _ = romashka_fuzz::read(data, kind, &romashka_fuzz::options());
    }
});
