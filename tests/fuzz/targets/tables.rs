//! CSV and TSV, of every kind.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, body)) = romashka_fuzz::kind(data) else { return };
    let header: &[u8] = match kind {
        romashka_ingest::Kind::Utterances => b"text,intent\n",
        romashka_ingest::Kind::Faq => b"question;answer;intent\n",
        romashka_ingest::Kind::Conversations => b"conversation_id\trole\ttext\n",
        romashka_ingest::Kind::Knowledge => b"title,body\n",
    };
    let _ = romashka_fuzz::read(&[header, body].concat(), kind, &romashka_fuzz::options());
});
