//! A file that is cut into pieces has the rows that it has as a whole.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use romashka_ingest::{Continuation, Kind, Options, Records, pieces};

fuzz_target!(|data: &[u8]| {
    let [how, size, file @ ..] = data else { return };
    let kind = if how % 2 == 0 { Kind::Utterances } else { Kind::Faq };
    // A bound on rows or on what is unpacked holds for a piece, not for the whole.
    let options = Options::default();
    let Ok(Some(cut)) = pieces::cut(file, kind, &options, u64::from(*size) + 1) else { return };
    let Ok(whole) = Records::open(file, kind, &options) else { return };
    let whole: Vec<_> = whole.filter_map(Result::ok).collect();
    let (mut next, mut rows) = (cut.header_bytes, Vec::new());
    for piece in cut.pieces {
        assert_eq!(piece.bytes.start, next, "no gap");
        next = piece.bytes.end;
        let continues = Some(Continuation { facts: cut.facts.clone(), first_row: piece.first_row });
        let options = Options { continues, ..Options::default() };
        let at = |start: u64, end: u64| &file[start as usize..end as usize];
        let input = at(0, cut.header_bytes).chain(at(piece.bytes.start, piece.bytes.end));
        let piece = Records::open(input, kind, &options).expect("what opens as a whole opens in pieces");
        rows.extend(piece.filter_map(Result::ok));
    }
    assert_eq!(next, file.len() as u64, "nothing is left");
    assert_eq!(rows, whole);
});
