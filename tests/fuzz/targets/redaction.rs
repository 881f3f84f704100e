//! Redaction of any text under any settings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use romashka_ingest::Mapping;
use romashka_ingest::redaction::{Findings, Names, Redactor, Settings};

fuzz_target!(|data: &str| {
    let (settings, text) = data.split_once('\n').unwrap_or(("{}", data));
    let _: Result<Mapping, _> = serde_json::from_str(settings);
    let settings: Settings = serde_json::from_str(settings).unwrap_or_default();
    let Ok(redactor) = Redactor::new(&settings) else { return };
    let spans = redactor.find(text, &Names::default());
    assert!(spans.windows(2).all(|pair| pair[0].bytes.end <= pair[1].bytes.start), "in order, without overlaps");
    assert!(spans.iter().all(|span| text.get(span.bytes.clone()).is_some()), "between characters");
    let mut found = Findings::default();
    let hidden = redactor.redact(text, &Names::default(), &mut found);
    assert_eq!(found.total() == 0, hidden == text, "what is found is hidden, and nothing else is changed");
});
