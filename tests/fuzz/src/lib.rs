//! What every target of the file readers holds a reading to.

use romashka_ingest::{Kind, Limits, MAX_TURN_BYTES, MAX_TURNS_BEFORE, Options, Record, Records, RowError, Stop};

/// Small enough that every bound is met by files as short as a fuzzer writes.
pub fn options() -> Options {
    let limits = Limits {
        rows: 200,
        row_bytes: 2_048,
        object_bytes: 16_384,
        document_bytes: 16_384,
        unpacked_bytes: 1 << 20,
        columns: 50,
        text_chars: 500,
        reply_chars: 1_000,
        json_depth: 8,
        errors: 50,
    };
    Options { limits, ..Options::default() }
}

/// The first byte chooses what the rest is taken for.
pub fn kind(data: &[u8]) -> Option<(Kind, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((Kind::ALL[usize::from(*first) % Kind::ALL.len()], rest))
}

/// Reads a file to its end and checks what is promised of every record.
pub fn read(file: &[u8], kind: Kind, options: &Options) -> Result<Vec<Result<Record, RowError>>, Stop> {
    let limits = options.limits;
    let mut rows = Vec::new();
    for row in Records::open(file, kind, options)? {
        let row = row?;
        if let Ok(record) = &row {
            assert!(!record.text.trim().is_empty() || record.reply.is_some(), "a record without a word");
            // A placeholder may be longer than what it hides.
            assert!(record.text.chars().count() <= 40 * limits.text_chars, "a text beyond its bound");
            assert!(!record.text.contains('\0'), "a control character in a text");
            assert!(record.before.len() <= MAX_TURNS_BEFORE, "turns beyond their bound");
            assert!(record.before.iter().all(|turn| turn.text.len() <= MAX_TURN_BYTES), "a turn beyond its bound");
        }
        rows.push(row);
    }
    Ok(rows)
}
