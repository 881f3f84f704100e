//! What a file is, by its first bytes: names and content types are the uploader's guess, content is not.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::errors::FileError;
use crate::schema::{self, Column};

/// How many bytes of a file decide what it is.
pub(crate) const PREFIX_BYTES: usize = 64 * 1024;

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Cells with a delimiter between them and names in the first row (RFC 4180, read leniently).
    Csv {
        /// The delimiter: a comma, a semicolon, a tab or a vertical bar.
        delimiter: char,
    },
    /// One JSON object a line.
    Ndjson,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv { delimiter: '\t' } => formatter.write_str("CSV with tabs"),
            Self::Csv { delimiter } => write!(formatter, "CSV with `{delimiter}`"),
            Self::Ndjson => formatter.write_str("NDJSON"),
        }
    }
}

const AS_CSV: &str = "save the sheet as CSV (UTF-8) and upload that";
const AS_TEXT: &str = "upload the text as CSV (UTF-8) or NDJSON";
const UNPACKED: &str = "unpack it and upload the file inside";

/// First bytes, what they give away, and what to do about it.
const NOT_TEXT: &[(&[u8], &str, &str)] = &[
    (b"PK\x03\x04", "an XLSX sheet or another ZIP archive", AS_CSV),
    (b"PK\x05\x06", "an empty ZIP archive", AS_CSV),
    (b"\xD0\xCF\x11\xE0", "an old Excel or Word document", AS_CSV),
    (b"\x1F\x8B", "a gzip archive", UNPACKED),
    (b"%PDF-", "a PDF document", AS_TEXT),
    (b"\x89PNG", "a PNG image", AS_TEXT),
    (b"\xFF\xD8\xFF", "a JPEG image", AS_TEXT),
    (b"GIF8", "a GIF image", AS_TEXT),
];

/// Byte-order marks of encodings that are not read. Those of UTF-32 begin like, or hold, the others: first.
const FOREIGN_MARKS: &[(&[u8], &str)] =
    &[(b"\xFF\xFE\0\0", "UTF-32"), (b"\0\0\xFE\xFF", "UTF-32"), (b"\xFF\xFE", "UTF-16"), (b"\xFE\xFF", "UTF-16")];

/// How many bytes of byte-order mark to skip.
pub(crate) fn bom_bytes(prefix: &[u8]) -> usize {
    if prefix.starts_with(UTF8_BOM) {
        return UTF8_BOM.len();
    }
    0
}

/// Decides what a file is from its first [`PREFIX_BYTES`], its UTF-8 byte-order mark taken off.
pub(crate) fn detect(prefix: &[u8], columns: &'static [Column]) -> Result<Format, FileError> {
    if prefix.is_empty() {
        return Err(FileError::Empty);
    }
    let is_text_of = |mark: &[u8]| prefix.starts_with(mark);
    if let Some((_, found)) = FOREIGN_MARKS.iter().find(|(mark, _)| is_text_of(mark)) {
        return Err(FileError::UnsupportedEncoding { found });
    }
    if let Some((_, found, mend)) = NOT_TEXT.iter().find(|(mark, ..)| is_text_of(mark)) {
        return Err(FileError::NotText { found, mend });
    }
    if prefix.contains(&0) {
        return Err(FileError::NotText { found: "binary (it holds NUL bytes)", mend: AS_TEXT });
    }
    let content = prefix.trim_ascii_start();
    if content.is_empty() && prefix.len() < PREFIX_BYTES {
        return Err(FileError::Empty);
    }
    match content {
        [b'{', rest @ ..] if first_line(rest).trim_ascii().is_empty() => Err(FileError::JsonNotLines),
        [b'{', ..] => Ok(Format::Ndjson),
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [] | [b'{' | b'[' | b']', ..]) => {
            Err(FileError::JsonNotLines)
        }
        _ => Ok(Format::Csv { delimiter: delimiter(content, columns) }),
    }
}

fn first_line(content: &[u8]) -> &[u8] {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let end = content.iter().position(is_break).unwrap_or(content.len());
    &content[..end]
}

/// The delimiter under which the header has most columns that we know; among equals, most cells.
fn delimiter(content: &[u8], columns: &'static [Column]) -> char {
    let header = first_line(content);
    // `max_by_key` keeps the last of equals, hence the comma, the default, at the end.
    [b'|', b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| {
            let cells = split_outside_quotes(header, delimiter);
            let known = |cell: &&&[u8]| {
                str::from_utf8(without_quotes(cell.trim_ascii()))
                    .is_ok_and(|name| schema::recognise(columns, name).is_some())
            };
            (cells.iter().filter(known).count(), cells.len())
        })
        .map_or(',', char::from)
}

fn split_outside_quotes(line: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let mut quoted = false;
    line.split(|&byte| {
        quoted ^= byte == b'"';
        byte == delimiter && !quoted
    })
    .collect()
}

fn without_quotes(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn detected(content: &[u8]) -> Result<Format, FileError> {
        detect(content, schema::columns(Kind::Utterances))
    }

    fn refusal(content: &[u8]) -> (&'static str, String) {
        let error = detected(content).unwrap_err();
        (error.code(), error.to_string())
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_known_columns() {
        for delimiter in [',', ';', '\t', '|'] {
            let header = format!("\"Text\"{delimiter}note{delimiter}intent\nhello, you; there | now\n");
            assert_eq!(detected(header.as_bytes()), Ok(Format::Csv { delimiter }));
        }
        assert_eq!(detected(b"text;intent;a,b,c,d,e\n"), Ok(Format::Csv { delimiter: ';' }));
        assert_eq!(detected(b"text\n"), Ok(Format::Csv { delimiter: ',' }));
    }

    #[test]
    fn objects_make_ndjson_even_after_blank_lines() {
        assert_eq!(detected(b"\n  {\"text\": \"hi\"}\n"), Ok(Format::Ndjson));
    }

    #[test]
    fn one_json_document_is_refused_with_the_way_out() {
        for document in
            [&b"[{\"text\": \"hi\"}]"[..], b"[\n  {\"text\": \"hi\"}\n]", b"{\n  \"text\": \"hi\"\n}", b"[]"]
        {
            let (code, sentence) = refusal(document);
            assert_eq!(code, "json_not_lines");
            assert!(sentence.contains("one object a line"), "{sentence}");
        }
    }

    #[test]
    fn what_is_not_text_is_called_by_its_name() {
        for (content, name) in [
            (&b"PK\x03\x04\x14\0\x06\0"[..], "XLSX"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\xFF\xD8\xFF\xE0", "JPEG"),
            (b"GIF89a", "GIF"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1F\x8B\x08", "gzip"),
            (b"text,intent\nhel\0lo,x\n", "NUL"),
        ] {
            let (code, sentence) = refusal(content);
            assert_eq!(code, "not_text");
            assert!(sentence.contains(name), "{sentence}");
        }
    }

    #[test]
    fn utf_16_is_named_and_not_called_binary() {
        for content in [&b"\xFF\xFEt\0e\0"[..], b"\xFE\xFF\0t\0e"] {
            let (code, sentence) = refusal(content);
            assert_eq!(code, "unsupported_encoding");
            assert!(sentence.contains("UTF-16"), "{sentence}");
            assert!(sentence.contains("UTF-8"), "{sentence}");
        }
    }

    #[test]
    fn a_file_of_nothing_but_white_space_is_empty() {
        assert_eq!(refusal(b"").0, "empty_file");
        assert_eq!(refusal(b" \r\n\t\n").0, "empty_file");
    }
}
