//! What can be wrong with a file, and how the person who uploaded it is told.
//!
//! A [`RowError`] costs one row, a [`FileError`] the file (or what is left of it), and a failure of the
//! reader is neither: the file may be fine, so the caller tries again. Codes are stable, sentences are
//! for people. No sentence holds the content of a cell.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema::Column;

/// Why reading stopped before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The file, or what is left of it, is not for us: reading it again changes nothing.
    #[error(transparent)]
    Refused(#[from] FileError),
    /// The reader failed: reading again may help.
    #[error("the file could not be read to its end: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        // A layer between us and the reader, such as the one that unpacks, refuses a file by an error of its own.
        match FileError::from_io(error) {
            Ok(refusal) => Self::Refused(refusal),
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// Why a whole file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is nothing in the file but, at most, white space.
    #[error("the file is empty; upload a file with at least one row")]
    Empty,
    /// The file has a header, or blank lines, and no row.
    #[error("the file has no rows; write at least one row under the header")]
    NoRows,
    /// The file is no text at all.
    #[error("the file is {found}, not text; {mend}")]
    NotText {
        /// What it seems to be, with its article.
        found: &'static str,
        /// What to do about it.
        mend: &'static str,
    },
    /// The file is gzipped and the archive is damaged.
    #[error("the gzip archive is damaged or ends too early; pack the file again, or upload it unpacked")]
    BrokenArchive,
    /// The archive holds more than a file may.
    #[error("the archive unpacks to more than the {limit} bytes allowed; split the file")]
    UnpacksTooLarge {
        /// Bytes that are allowed.
        limit: u64,
    },
    /// The archive holds so much more than its size that it is no honest file.
    #[error("the archive unpacks to more than {ratio} times its size, as no text does; upload the file unpacked")]
    Bomb {
        /// How many times its size an archive may hold.
        ratio: u64,
    },
    /// The document gives no text.
    #[error("{why}")]
    Document {
        /// The stable name of the reason.
        code: &'static str,
        /// What is wrong and how to mend it.
        why: String,
    },
    /// The document is larger than is held in memory.
    #[error("the document has more than the {limit} bytes allowed; split it into several files")]
    DocumentTooLarge {
        /// Bytes that are allowed.
        limit: usize,
    },
    /// The document is not valid YAML, or nested too deep.
    #[error("the YAML cannot be read beyond line {line}; check its indentation and its brackets there")]
    BrokenYaml {
        /// The line, from 1.
        line: usize,
    },
    /// The header lacks a column that this kind of file must have.
    #[error(
        "the header (row {row}) has no column `{}`; accepted names: {}; columns found: {found}{}",
        accepted.first().copied().unwrap_or_default(),
        match mapped { Some(name) => format!("`{name}`, as the mapping says"), None => accepted.join(", ") },
        if found.unlike_names { "; the first row must hold the names of the columns" } else { "" },
    )]
    MissingColumn {
        /// The row of the header.
        row: u64,
        /// The names under which the column would be recognised, the preferred one first.
        accepted: &'static [&'static str],
        /// The name under which the mapping has it.
        mapped: Option<String>,
        /// The columns that the header has.
        found: FoundColumns,
    },
    /// The header has more columns than are read.
    #[error(
        "the header (row {row}) has {found} columns, more than the {limit} allowed; delete the columns that are not needed"
    )]
    TooManyColumns {
        /// The row of the header.
        row: u64,
        /// Columns in the header.
        found: u64,
        /// Columns that are allowed.
        limit: usize,
    },
    /// The header does not fit into the memory of one row.
    #[error(
        "the header (row {row}) has {found} bytes, more than the {limit} allowed; check that each row ends with a line break and each double quote is closed"
    )]
    HeaderTooLarge {
        /// The row of the header.
        row: u64,
        /// Bytes of the header.
        found: u64,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// The file has more rows than are read; those before the limit were delivered.
    #[error("the file has more than the {limit} rows allowed; split it into several files")]
    TooManyRows {
        /// Rows that are allowed.
        limit: u64,
    },
}

/// Why documents give no text.
const DOCUMENT_CODES: &[&str] = &[
    "broken_document",
    "document_too_large",
    "document_too_slow",
    "encrypted_document",
    "no_text",
    "too_many_columns",
    "empty_file",
];

impl From<FileError> for io::Error {
    fn from(refusal: FileError) -> Self {
        Self::other(refusal)
    }
}

impl FileError {
    /// That a document gives no text, for one of the reasons that have a name.
    pub fn document(code: &str, why: String) -> Self {
        let code = DOCUMENT_CODES.iter().find(|known| **known == code).copied().unwrap_or(DOCUMENT_CODES[0]);
        Self::Document { code, why }
    }

    /// The refusal that an error of a reader carries, or the error itself.
    ///
    /// # Errors
    ///
    /// Where it carries none.
    pub fn from_io(error: io::Error) -> Result<Self, io::Error> {
        error.downcast::<Self>()
    }

    /// The stable name of the error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::NoRows => "no_rows",
            Self::NotText { .. } => "not_text",
            Self::Document { code, .. } => code,
            Self::BrokenArchive => "broken_archive",
            Self::UnpacksTooLarge { .. } => "unpacks_too_large",
            Self::Bomb { .. } => "archive_bomb",
            Self::DocumentTooLarge { .. } => "document_too_large",
            Self::BrokenYaml { .. } => "broken_yaml",
            Self::MissingColumn { .. } => "missing_column",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::HeaderTooLarge { .. } => "row_too_large",
            Self::TooManyRows { .. } => "too_many_rows",
        }
    }
}

/// The columns of a header, as far as they may be repeated to a person.
///
/// A file without a header has a customer's words in its first row, so a cell that does not look like
/// the name of a column is only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumns {
    names: Vec<String>,
    more: usize,
    unlike_names: bool,
}

impl FoundColumns {
    const SHOWN: usize = 20;
    const NAME_CHARS: usize = 40;
    const NAME_WORDS: usize = 3;
    const NAME_DIGITS: usize = 4;

    pub(crate) fn new<'header>(header: impl Iterator<Item = &'header str>) -> Self {
        let mut found = Self { names: Vec::new(), more: 0, unlike_names: false };
        for cell in header {
            let cell = cell.trim();
            let is_name = is_like_a_name(cell);
            found.unlike_names |= !is_name && !cell.is_empty();
            if !is_name || found.names.len() == Self::SHOWN {
                found.more += 1;
                continue;
            }
            found.names.push(cell.to_owned());
        }
        found
    }
}

/// Returns true if a cell looks like the name of a column.
pub(crate) fn is_like_a_name(cell: &str) -> bool {
    !cell.is_empty()
        && cell.chars().count() <= FoundColumns::NAME_CHARS
        && cell.split_whitespace().count() <= FoundColumns::NAME_WORDS
        && cell.chars().filter(char::is_ascii_digit).count() <= FoundColumns::NAME_DIGITS
        && cell.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '(' | ')'))
}

impl fmt::Display for FoundColumns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.names.as_slice(), self.more) {
            ([], more) => write!(formatter, "{more} without a name"),
            (names, 0) => formatter.write_str(&names.join(", ")),
            (names, more) => write!(formatter, "{} and {more} more", names.join(", ")),
        }
    }
}

/// What is wrong with a row: the stable name, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowCode {
    /// A cell that must hold text holds none.
    EmptyText,
    /// The row lacks a cell that it must have.
    MissingColumn,
    /// The row has more cells than its header, or than are read.
    TooManyColumns,
    /// A cell is not UTF-8.
    NotUtf8,
    /// A text or a reply is longer than is read.
    TextTooLong,
    /// The row does not fit into the memory of one row.
    RowTooLarge,
    /// A double quote is open at the end of the file.
    UnclosedQuote,
    /// A label is too long or holds control characters.
    InvalidIntent,
    /// The id of a conversation is empty, too long or holds control characters.
    InvalidConversation,
    /// The role is neither a customer's nor an agent's.
    UnknownRole,
    /// The line is not JSON.
    InvalidJson,
    /// The line is JSON, but not an object.
    NotAnObject,
    /// A JSON value is neither text nor a number.
    WrongType,
    /// Arrays and objects are nested too deep.
    JsonTooDeep,
}

impl RowCode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmptyText => "empty_text",
            Self::MissingColumn => "missing_column",
            Self::TooManyColumns => "too_many_columns",
            Self::NotUtf8 => "not_utf8",
            Self::TextTooLong => "text_too_long",
            Self::RowTooLarge => "row_too_large",
            Self::UnclosedQuote => "unclosed_quote",
            Self::InvalidIntent => "invalid_intent",
            Self::InvalidConversation => "invalid_conversation",
            Self::UnknownRole => "unknown_role",
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::WrongType => "wrong_type",
            Self::JsonTooDeep => "json_too_deep",
        }
    }
}

impl fmt::Display for RowCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why one row is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("row {row}: {why}")]
pub struct RowError {
    /// The row, numbered as in [`Record::row`](crate::Record::row).
    pub row: u64,
    /// The column, by the accepted name under which the file has it; `None` where the row as a whole is
    /// at fault.
    pub column: Option<String>,
    /// The stable name of the error.
    pub code: RowCode,
    /// What was wrong and how to mend it, in a sentence that never repeats the content of a cell.
    pub why: String,
}

impl RowError {
    pub(crate) fn of_row(row: u64, code: RowCode, why: impl Into<String>) -> Self {
        Self { row, column: None, code, why: why.into() }
    }

    pub(crate) fn of_cell(row: u64, column: &str, code: RowCode, why: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), ..Self::of_row(row, code, why) }
    }

    pub(crate) fn missing_cell(row: u64, column: &Column) -> Self {
        let preferred = column.names[0];
        let why = format!("the row has no `{preferred}`; accepted names: {}", column.told().join(", "));
        Self::of_cell(row, preferred, RowCode::MissingColumn, why)
    }

    pub(crate) fn too_many_columns(row: u64, found: u64, limit: usize) -> Self {
        let why = format!("the row has {found} columns, more than the {limit} allowed");
        Self::of_row(row, RowCode::TooManyColumns, why)
    }

    pub(crate) fn too_large(row: u64, found: u64, limit: usize) -> Self {
        let why = format!(
            "the row has {found} bytes, more than the {limit} allowed; a double quote that is never closed \
             makes one row of many"
        );
        Self::of_row(row, RowCode::RowTooLarge, why)
    }
}

/// The first row errors of a file and the count of all of them: a file that is wrong in every row must
/// not fill the memory with its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLog {
    kept: Vec<RowError>,
    limit: usize,
    total: u64,
}

impl ErrorLog {
    /// An empty log that keeps the first `limit` errors (see [`Limits::errors`](crate::Limits::errors)).
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, total: 0 }
    }

    /// Counts an error, and keeps it if there is room.
    pub fn push(&mut self, error: RowError) {
        self.total += 1;
        if self.kept.len() < self.limit {
            self.kept.push(error);
        }
    }

    /// The errors that were kept, in the order of the file.
    pub fn kept(&self) -> &[RowError] {
        &self.kept
    }

    /// All errors, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Gives the kept errors away.
    pub fn into_kept(self) -> Vec<RowError> {
        self.kept
    }
}

/// Writes row errors as a CSV file with the columns `row,column,code,why`, and gives back how many.
///
/// A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula;
/// an apostrophe before it makes it text (OWASP, "CSV Injection").
///
/// # Errors
///
/// Those of the writer.
pub fn write_csv(rows: impl IntoIterator<Item = RowError>, out: impl io::Write) -> io::Result<u64> {
    let mut sheet = csv::Writer::from_writer(out);
    sheet.write_record(["row", "column", "code", "why"])?;
    let mut written = 0;
    for error in rows {
        sheet.write_record([
            error.row.to_string(),
            without_formula(error.column.unwrap_or_default()),
            error.code.to_string(),
            without_formula(error.why),
        ])?;
        written += 1;
    }
    sheet.flush()?;
    Ok(written)
}

fn without_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{cell}");
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(row: u64, why: &str) -> RowError {
        RowError::of_cell(row, "text", RowCode::EmptyText, why)
    }

    #[test]
    fn a_log_keeps_the_first_errors_and_counts_all() {
        let mut log = ErrorLog::new(2);
        for row in 2..7 {
            log.push(error(row, "empty"));
        }
        assert_eq!(log.total(), 5);
        assert_eq!(log.into_kept(), [error(2, "empty"), error(3, "empty")]);
    }

    #[test]
    fn an_error_sheet_has_a_header_and_runs_no_formula() {
        let mut sheet = Vec::new();
        let mut hostile = error(7, "=cmd|' /C calc'!A0");
        hostile.column = Some("@SUM(A1)".to_owned());
        let whole_row = RowError::of_row(8, RowCode::RowTooLarge, "too long, \"really\"");
        let written = write_csv([error(2, "empty"), hostile, whole_row], &mut sheet).unwrap();
        assert_eq!(written, 3);
        assert_eq!(
            String::from_utf8(sheet).unwrap(),
            "row,column,code,why\n\
             2,text,empty_text,empty\n\
             7,'@SUM(A1),empty_text,'=cmd|' /C calc'!A0\n\
             8,,row_too_large,\"too long, \"\"really\"\"\"\n"
        );
    }

    #[test]
    fn an_error_sheet_without_errors_is_a_header() {
        let mut sheet = Vec::new();
        write_csv([], &mut sheet).unwrap();
        assert_eq!(sheet, b"row,column,code,why\n");
    }

    #[test]
    fn a_code_is_written_the_same_way_in_json_and_in_the_sheet() {
        for code in [RowCode::NotUtf8, RowCode::InvalidJson, RowCode::TooManyColumns] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
    }

    #[test]
    fn a_header_is_repeated_but_a_customers_words_are_not() {
        let header = FoundColumns::new(["Ticket ID", "Satz"].into_iter());
        assert_eq!(header.to_string(), "Ticket ID, Satz");
        let words =
            FoundColumns::new(["ada@example.com", "where is my parcel then", "4000123412341234", "refund"].into_iter());
        assert_eq!(words.to_string(), "refund and 3 more");
        assert!(words.unlike_names);
    }

    #[test]
    fn a_wide_header_is_repeated_in_part() {
        let names: Vec<String> = (0..900).map(|i| format!("c{i}")).collect();
        let found = FoundColumns::new(names.iter().map(String::as_str)).to_string();
        assert!(found.ends_with("c19 and 880 more"), "{found}");
    }
}
