//! Any bytes: formats, encodings and archives are told by the content; so is what a preview says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romashka_ingest::preview::Preview;
use romashka_ingest::{File, Stop};

fuzz_target!(|data: &[u8]| {
    let Some((kind, file)) = romashka_fuzz::kind(data) else { return };
    let options = romashka_fuzz::options();
    let read = romashka_fuzz::read(file, kind, &options);
    assert!(!matches!(read, Err(Stop::Failed(_))), "reading from memory does not fail");
    if let Ok(opened) = File::open(file, &options.limits) {
        let preview = Preview::of(opened, kind, &options).expect("reading from memory does not fail");
        assert!(preview.rows.len() <= 20);
        serde_json::to_string(&preview).expect("a preview can be sent");
    }
});
