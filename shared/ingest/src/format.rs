//! What a file is, by its first bytes: names and content types are the uploader's guess, content is not.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::csv_rows::HEADER_ROWS;
use crate::errors::{self, FileError};
use crate::json_objects::{self, Layout};
use crate::kind::Kind;
use crate::schema::Schema;
use crate::{engines, html, text_rows};

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
    /// JSON objects in a list, or one after another.
    Json,
    /// Plain text: one thing a line, turns or questions marked by a word, or an article.
    Text,
    /// An article in Markdown.
    Markdown,
    /// An article in HTML.
    Html,
    /// Training data of Rasa in YAML.
    Yaml,
    /// The first sheet of a workbook that holds anything.
    Xlsx,
    /// A document of Word, read as Markdown.
    Docx,
    /// A PDF document.
    Pdf,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv { delimiter: '\t' } => formatter.write_str("CSV with tabs"),
            Self::Csv { delimiter } => write!(formatter, "CSV with `{delimiter}`"),
            Self::Ndjson => formatter.write_str("NDJSON"),
            Self::Json => formatter.write_str("JSON"),
            Self::Text => formatter.write_str("plain text"),
            Self::Markdown => formatter.write_str("Markdown"),
            Self::Html => formatter.write_str("HTML"),
            Self::Yaml => formatter.write_str("YAML"),
            Self::Xlsx => formatter.write_str("XLSX"),
            Self::Docx => formatter.write_str("DOCX"),
            Self::Pdf => formatter.write_str("PDF"),
        }
    }
}

/// Lines whose numbers of cells are compared.
const LINES_COMPARED: usize = 20;

const AS_CSV: &str = "save the sheet as CSV (UTF-8) and upload that";
const AS_TEXT: &str = "upload the text as CSV, JSON or plain text";
const AS_DOCUMENT: &str = "save it as DOCX, PDF, HTML or plain text and upload that";
const UNPACKED: &str = "unpack it and upload the files inside one by one";

/// First bytes, what they give away, and what to do about it.
const NOT_TEXT: &[(&[u8], &str, &str)] = &[
    (b"PK\x03\x04", "an XLSX sheet or another ZIP archive", AS_CSV),
    (b"PK\x05\x06", "an empty ZIP archive", AS_CSV),
    (b"\xD0\xCF\x11\xE0", "an old Excel or Word document", AS_CSV),
    (b"\x1F\x8B", "a gzip archive inside another", UNPACKED),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", UNPACKED),
    (b"Rar!", "a RAR archive", UNPACKED),
    (b"BZh", "a bzip2 archive", UNPACKED),
    (b"\x28\xB5\x2F\xFD", "a Zstandard archive", UNPACKED),
    (b"%PDF-", "a PDF document", AS_TEXT),
    (b"\x89PNG", "a PNG image", AS_TEXT),
    (b"\xFF\xD8\xFF", "a JPEG image", AS_TEXT),
    (b"GIF8", "a GIF image", AS_TEXT),
    // Its mark begins like that of UTF-16.
    (b"\xFF\xFE\0\0", "text in UTF-32", "save it as UTF-8"),
    (b"\0\0\xFE\xFF", "text in UTF-32", "save it as UTF-8"),
];

impl FileError {
    pub(crate) fn binary() -> Self {
        Self::NotText { found: "binary (it holds NUL bytes)", mend: AS_TEXT }
    }
}

/// Refuses a file whose first bytes say that it is something else.
pub(crate) fn refuse_what_is_no_text(prefix: &[u8]) -> Result<(), FileError> {
    match NOT_TEXT.iter().find(|(mark, ..)| prefix.starts_with(mark)) {
        Some((_, found, mend)) => Err(FileError::NotText { found, mend }),
        None => Ok(()),
    }
}

/// Decides what a file is from the beginning of its text.
pub(crate) fn detect(prefix: &[u8], kind: Kind, schema: &Schema) -> Result<Format, FileError> {
    let content = prefix.trim_ascii_start();
    if content.is_empty() {
        return Err(FileError::Empty);
    }
    if content.starts_with(b"{\\rtf") {
        return Err(FileError::NotText { found: "a document in RTF", mend: AS_DOCUMENT });
    }
    match json_objects::layout(content) {
        Some(Layout::Lines) => return Ok(Format::Ndjson),
        Some(Layout::Lists | Layout::Objects) => return Ok(Format::Json),
        None => {}
    }
    let header = Header::find(content, schema);
    let sheet = Format::Csv { delimiter: char::from(header.delimiter) };
    let text = String::from_utf8_lossy(content);
    // A table inside of an article is no table of articles.
    let is_article = || kind == Kind::Knowledge && (is_page(&text) || is_markdown(&text));
    if header.is_whole && (header.is_first || !is_article()) {
        return Ok(sheet);
    }
    if kind == Kind::Utterances && engines::is_yaml(&text) {
        return Ok(Format::Yaml);
    }
    if kind == Kind::Utterances && engines::is_markdown(&text) {
        return Ok(Format::Markdown);
    }
    // Articles in Markdown may begin with a few lines of YAML.
    let is_markdown = matches!(kind, Kind::Knowledge | Kind::Faq) && is_markdown(&text);
    let is_dialogue = matches!(kind, Kind::Faq | Kind::Conversations) && text_rows::is_dialogue(kind, &text);
    if let Some((found, mend)) = foreign(&text, kind).filter(|_| !is_markdown && !is_dialogue) {
        return Err(FileError::NotText { found, mend });
    }
    let format = match kind {
        Kind::Knowledge | Kind::Faq if is_page(&text) => Format::Html,
        Kind::Knowledge | Kind::Faq if is_markdown => Format::Markdown,
        // Its columns are called otherwise.
        Kind::Knowledge
            if header.line.len() < content.trim_ascii_end().len()
                && has_names(header.line, header.delimiter)
                && is_table(content, header.delimiter) =>
        {
            sheet
        }
        Kind::Knowledge => Format::Text,
        _ if is_dialogue => Format::Text,
        // A table in which our column is missing has rows of equal width; what people say has not.
        Kind::Utterances if !is_table(content, header.delimiter) => Format::Text,
        _ => sheet,
    };
    Ok(format)
}

/// The line that names the columns of a table.
struct Header<'text> {
    line: &'text [u8],
    delimiter: u8,
    /// True if it has all columns that a file of its kind must have.
    is_whole: bool,
    /// Cells that are names of columns that we know.
    known: usize,
    /// True if it is the first line.
    is_first: bool,
}

/// Returns true if a row that is not the first of its file may be its header: what people write below a first line is not made of
/// several names of columns.
pub(crate) fn is_header_below<'name>(mut names: impl Iterator<Item = &'name str>, known: usize) -> bool {
    known >= 2 && names.all(|name| name.trim().is_empty() || errors::is_like_a_name(name.trim()))
}

impl<'text> Header<'text> {
    /// Looks among the first lines for the first with all columns; where none has them, the first line is taken.
    fn find(content: &'text [u8], schema: &Schema) -> Self {
        let lines = content.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.trim_ascii().is_empty());
        let mut first = None;
        for line in lines.take(HEADER_ROWS) {
            let header = Self { is_first: first.is_none(), ..Self::of(line, schema) };
            if header.is_whole && (first.is_none() || header.stands_below()) {
                return header;
            }
            first.get_or_insert(Self { is_whole: false, ..header });
        }
        first.unwrap_or(Self { line: content, delimiter: b',', is_whole: false, known: 0, is_first: true })
    }

    /// Returns true if it may stand below a title: see [`is_header_below`].
    fn stands_below(&self) -> bool {
        let names: Vec<_> = split_outside_quotes(self.line, self.delimiter).into_iter().map(name_of).collect();
        is_header_below(names.iter().map(AsRef::as_ref), self.known)
    }

    fn of(line: &'text [u8], schema: &Schema) -> Self {
        let delimiter = delimiter(line, schema);
        let cells = split_outside_quotes(line, delimiter);
        let fields: Vec<_> = cells
            .into_iter()
            .filter_map(|cell| schema.recognise(&name_of(cell)))
            .map(|(column, _)| column.field)
            .collect();
        let is_whole = schema.missing(|field| fields.contains(&field)).is_none();
        Self { line, delimiter, is_whole, known: fields.len(), is_first: false }
    }
}

/// Returns true if the cells of a line are like names of columns: several, short, and without punctuation.
fn has_names(line: &[u8], delimiter: u8) -> bool {
    let cells = split_outside_quotes(line, delimiter);
    cells.len() > 1 && cells.iter().all(|cell| errors::is_like_a_name(name_of(cell).trim()))
}

/// The name of a format that is not read, told by marks that no other text begins with, and how to mend it.
fn foreign(text: &str, kind: Kind) -> Option<(&'static str, &'static str)> {
    if text.starts_with("<?xml") || is_xml(text) {
        return Some(("XML", "export it as JSON or CSV and upload that"));
    }
    if is_mail(text) {
        return Some((
            "an e-mail with its headers",
            "export the conversations as JSON or CSV, or upload the text alone",
        ));
    }
    // Articles have headings with lists below them.
    if kind != Kind::Knowledge && is_yaml(text) {
        return Some(("YAML", "export it as JSON or CSV and upload that"));
    }
    None
}

/// Returns true if a text is one element that is none of HTML, as exports in XML are.
fn is_xml(text: &str) -> bool {
    let Some(name) =
        text.strip_prefix('<').map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').next())
    else {
        return false;
    };
    let name = name.unwrap_or_default();
    !name.is_empty() && text.trim_end().ends_with('>') && !html::is_html(text)
}

/// Returns true if a text begins with headers of an e-mail (RFC 5322), or with the line between the mails of a mailbox (RFC 4155).
fn is_mail(text: &str) -> bool {
    const HEADERS: &[&str] = &[
        "return-path",
        "received",
        "delivered-to",
        "message-id",
        "mime-version",
        "content-type",
        "x-mailer",
        "dkim-signature",
        "from",
        "to",
        "date",
        "subject",
        "reply-to",
        "cc",
        "content-transfer-encoding",
    ];
    let is_header = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| HEADERS.contains(&name.to_ascii_lowercase().as_str()))
    };
    let lines: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).take(LINES_COMPARED).collect();
    let headers = lines.iter().filter(|line| is_header(line)).count();
    let goes_on =
        |line: &str| line.starts_with([' ', '\t']) || line.split_once(':').is_some_and(|(name, _)| !name.contains(' '));
    let lines = if text.starts_with("From ") { lines.get(1..).unwrap_or_default() } else { &lines[..] };
    headers >= 3 && lines.iter().all(|line| goes_on(line))
}

/// Returns true if a text is a document in YAML: most of its first lines are keys and items, indented keys among them.
fn is_yaml(text: &str) -> bool {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ");
        line.split_once(':').is_some_and(|(name, value)| {
            (value.is_empty() || value.starts_with(' '))
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '"' | '\''))
        })
    };
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .take(LINES_COMPARED)
        .collect();
    let first = lines.first().map_or("", |line| line.trim_end());
    let keys = lines.iter().filter(|line| is_key(line)).count();
    let items = lines.iter().filter(|line| line.trim_start().starts_with("- ")).count();
    let opens = lines.windows(2).any(|pair| {
        is_key(pair[0]) && pair[0].trim_end().ends_with([':', '|', '>']) && pair[1].starts_with([' ', '-'])
    });
    let begins = is_key(first) && !first.starts_with([' ', '-']) || first == "---";
    begins && opens && keys >= 2 && (keys + items) * 2 > lines.len()
}

/// Returns true if the first rows have the same number of cells, more than one.
fn is_table(content: &[u8], delimiter: u8) -> bool {
    let rows = rows_outside_quotes(content).unwrap_or_else(|| {
        // A quote that is never closed is an inch, or a mistake.
        content.split(|byte| matches!(byte, b'\n' | b'\r')).take(LINES_COMPARED).collect()
    });
    let mut widths = rows
        .into_iter()
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LINES_COMPARED)
        .map(|line| split_outside_quotes(line, delimiter).len());
    let first = widths.next().unwrap_or(1);
    first > 1 && widths.all(|width| width == first)
}

/// The first rows of a table, each with the line breaks inside its quotes; `None` where a quote is open at the end.
fn rows_outside_quotes(content: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rows = Vec::new();
    let (mut quoted, mut start) = (false, 0);
    for (at, byte) in content.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                rows.push(&content[start..at]);
                start = at + 1;
                if rows.len() > 2 * LINES_COMPARED {
                    return Some(rows);
                }
            }
            _ => {}
        }
    }
    rows.push(&content[start..]);
    (!quoted).then_some(rows)
}

fn is_page(text: &str) -> bool {
    let begins = text.get(..9).unwrap_or(text).to_ascii_lowercase();
    begins.starts_with("<!doctype") || begins.starts_with("<html") || text.starts_with('<') && html::is_html(text)
}

/// Whether a text has a mark of Markdown that no other text has by chance.
fn is_markdown(text: &str) -> bool {
    text.starts_with("---\n")
        || text.lines().any(|line| {
            let marks = line.bytes().take_while(|byte| *byte == b'#').count();
            (1..=6).contains(&marks) && line.as_bytes().get(marks) == Some(&b' ') || line.starts_with("```")
        })
}

/// The names in the header of a table.
pub(crate) fn header<'text>(
    prefix: &'text [u8],
    delimiter: char,
    schema: &Schema,
) -> Vec<std::borrow::Cow<'text, str>> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let header = Header::find(prefix.trim_ascii_start(), schema);
    split_outside_quotes(header.line, delimiter).into_iter().map(name_of).collect()
}

fn name_of(cell: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(without_quotes(cell.trim_ascii()))
}

/// The delimiter under which a line has most columns that we know; among equals, most cells.
fn delimiter(line: &[u8], schema: &Schema) -> u8 {
    // `max_by_key` keeps the last of equals, hence the comma, the default, at the end.
    [b'|', b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| {
            let cells = split_outside_quotes(line, delimiter);
            let known = |cell: &&&[u8]| {
                str::from_utf8(without_quotes(cell.trim_ascii())).is_ok_and(|name| schema.recognise(name).is_some())
            };
            (cells.iter().filter(known).count(), cells.len())
        })
        .unwrap_or(b',')
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
    use crate::mapping::Mapping;

    fn schema(kind: Kind) -> Schema {
        Schema::new(kind, &Mapping::default())
    }

    fn detected(content: &str, kind: Kind) -> Format {
        detect(content.as_bytes(), kind, &schema(kind)).unwrap()
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_known_columns() {
        for delimiter in [',', ';', '\t', '|'] {
            let header = format!("\"Text\"{delimiter}note{delimiter}intent\nhello, you; there | now\n");
            assert_eq!(detected(&header, Kind::Utterances), Format::Csv { delimiter });
        }
        assert_eq!(detected("text;intent;a,b,c,d,e\n", Kind::Utterances), Format::Csv { delimiter: ';' });
        assert_eq!(detected("text\n", Kind::Utterances), Format::Csv { delimiter: ',' });
    }

    #[test]
    fn objects_a_line_are_told_from_objects_of_a_document() {
        assert_eq!(detected("\n  {\"text\": \"hi\"}\n", Kind::Utterances), Format::Ndjson);
        for document in [
            "[{\"text\": \"hi\"}]",
            "[\n  {\"text\": \"hi\"}\n]",
            "{\n  \"text\": \"hi\"\n}",
            "{\"tickets\":[{\"id\":1}]}",
        ] {
            assert_eq!(detected(document, Kind::Utterances), Format::Json, "{document}");
        }
    }

    #[test]
    fn a_format_that_is_not_read_is_refused_by_its_name() {
        for (file, name) in [
            ("version: \"3.1\"\nshelves:\n- size: big\n  notes: |\n    - made of ash\n", "YAML"),
            ("<?xml version=\"1.0\"?>\n<shelves><shelf/></shelves>", "XML"),
            ("<shelves type=\"array\">\n  <shelf>ash</shelf>\n</shelves>\n", "XML"),
            ("{\\rtf1\\ansi Ash shelves.}", "RTF"),
            ("From: a@example.org\nTo: b@example.org\nSubject: =?utf-8?q?Shelf?=\n\nIs it ash?\n", "e-mail"),
        ] {
            for kind in Kind::ALL.into_iter().filter(|kind| name != "YAML" || *kind != Kind::Knowledge) {
                let refusal = detect(file.as_bytes(), kind, &schema(kind)).unwrap_err().to_string();
                assert!(refusal.contains(name), "{kind}: {refusal}");
            }
        }
        for text in ["note: bring it back\nok?\n", "From: when does it start\nto: when?\n", "hi <3 you\nbye >\n"] {
            assert_eq!(detected(text, Kind::Utterances), Format::Text, "{text}");
        }
    }

    #[test]
    fn a_table_with_other_columns_is_no_text() {
        let table = "Name;Anliegen\nJens;\"Guten Tag,\nwo ist es?\"\nUte;\"Geld zurück\"\n";
        for kind in Kind::ALL {
            assert_eq!(detected(table, kind), Format::Csv { delimiter: ';' }, "{kind}");
        }
    }

    #[test]
    fn what_is_no_table_is_text_of_some_kind() {
        assert_eq!(detected("where is my parcel, please?\ni want my money back\n", Kind::Utterances), Format::Text);
        assert_eq!(detected("Customer: hello\nAgent: hi\n", Kind::Conversations), Format::Text);
        assert_eq!(detected("Q: how long?\nA: two days\n", Kind::Faq), Format::Text);
        assert_eq!(detected("# Returns\n\nSend it back.\n", Kind::Knowledge), Format::Markdown);
        assert_eq!(detected("<!DOCTYPE html><html><body>Returns", Kind::Knowledge), Format::Html);
        assert_eq!(detected("Returns\n\nSend it back.\n", Kind::Knowledge), Format::Text);
        assert_eq!(detected("title,body\nReturns,Send it back.\n", Kind::Knowledge), Format::Csv { delimiter: ',' });
        let bodies = "title,body\nReturns,\"# Costs\nNone.\"\n";
        assert_eq!(detected(bodies, Kind::Knowledge), Format::Csv { delimiter: ',' });
        let table = "# Wood\n\nAll of it is oiled.\n\n| Name | Description |\n|---|---|\n| ash | light |\n";
        assert_eq!(detected(table, Kind::Knowledge), Format::Markdown);
        let hello = "hello\nHola, consulta\nwhere is it, please\n";
        assert_eq!(detected(hello, Kind::Utterances), Format::Text);
    }

    #[test]
    fn a_header_that_lacks_our_column_is_still_a_header() {
        assert_eq!(detected("Satz;Kategorie\nhallo;gruss\n", Kind::Utterances), Format::Csv { delimiter: ';' });
        assert_eq!(detected("frage,antwort\n", Kind::Faq), Format::Csv { delimiter: ',' });
    }

    #[test]
    fn what_is_not_text_is_called_by_its_name() {
        for (content, name) in [
            (&b"PK\x03\x04\x14\0\x06\0"[..], "XLSX"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\xFF\xD8\xFF\xE0", "JPEG"),
            (b"GIF89a", "GIF"),
            (b"%PDF-1.7", "PDF"),
            (b"\xFF\xFE\0\0t\0\0\0", "UTF-32"),
        ] {
            let error = refuse_what_is_no_text(content).unwrap_err();
            assert_eq!(error.code(), "not_text");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_file_of_nothing_but_white_space_is_empty() {
        assert_eq!(detect(b"", Kind::Faq, &schema(Kind::Faq)), Err(FileError::Empty));
        assert_eq!(detect(b" \r\n\t\n", Kind::Faq, &schema(Kind::Faq)), Err(FileError::Empty));
    }
}
