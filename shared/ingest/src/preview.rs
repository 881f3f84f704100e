//! What would become of a file, by its beginning.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::{FileError, RowError, Stop};
use crate::format::{self, Format};
use crate::kind::Kind;
use crate::record::Record;
use crate::records::{Facts, Options, Records};
use crate::redaction::{Findings, Names, Redactor};
use crate::schema::Schema;
use crate::source::File;

/// Rows shown, and problems.
const SHOWN: usize = 20;
/// Rows looked at.
const ROWS: u64 = 1_000;
/// Columns shown.
const COLUMNS: usize = 100;
/// Characters of a column's name.
const COLUMN_CHARS: usize = 100;

/// What the beginning of a file gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Preview {
    /// What was found out about it; nothing where it was refused at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// The columns of a table, or the keys of the first object, without what is personal; at most 100.
    pub columns: Vec<String>,
    /// Which of them are understood, and as what: our names with the file's.
    pub mapping: BTreeMap<String, String>,
    /// The first rows, as they would be kept; at most 20.
    pub rows: Vec<Record>,
    /// The first rows that would be refused; at most 20.
    pub problems: Vec<RowError>,
    /// Rows looked at, at most about 1,000.
    pub rows_read: u64,
    /// Of those, the ones that would be refused.
    pub invalid: u64,
    /// Of those, the messages that would not be learnt from: notes, events, what programs said.
    pub left_out: u64,
    /// What is personal in the rows looked at.
    pub redacted: Findings,
    /// Why the file cannot be read, or not to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// The stable name of the reason.
    pub code: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Preview {
    /// A file that cannot be read at all.
    pub fn refused(refusal: &FileError) -> Self {
        Self {
            refusal: Some(Refusal { code: refusal.code().to_owned(), message: refusal.to_string() }),
            ..Self::default()
        }
    }

    /// Reads the beginning of a file.
    ///
    /// # Errors
    ///
    /// Where the reader fails. A file that is refused has a preview that says so.
    pub fn of(file: File<impl Read>, kind: Kind, options: &Options) -> Result<Self, std::io::Error> {
        let mut preview = Self::default();
        match preview.look(file, kind, options) {
            Ok(()) => Ok(preview),
            Err(Stop::Refused(refusal)) => Ok(Self { refusal: Self::refused(&refusal).refusal, ..preview }),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn look(&mut self, file: File<impl Read>, kind: Kind, options: &Options) -> Result<(), Stop> {
        let source = file.decode()?;
        let schema = Schema::new(kind, &options.mapping);
        let format = crate::records::format_of(&source, kind, &schema);
        let names = format.map(|format| names(&source.prefix, format, &schema)).unwrap_or_default();
        let mut ranks = BTreeMap::new();
        for name in names.iter().take(COLUMNS) {
            let shown = shown(name, &options.redactor);
            if let Some((column, rank)) = schema.recognise(name) {
                // Of several names the best is read, as the rows are.
                let best = ranks.entry(column.names[0]).or_insert(usize::MAX);
                if rank < *best {
                    *best = rank;
                    self.mapping.insert(column.names[0].to_owned(), shown.clone());
                }
            }
            self.columns.push(shown);
        }
        let mut records = Records::decoded(source, kind, options)?;
        records.read_at_most(ROWS);
        let looked = self.take(&mut records);
        let facts = records.facts();
        if facts.adapter.is_some() {
            // An export is understood as a whole.
            (self.columns, self.mapping) = Default::default();
        }
        self.facts = Some(facts);
        self.rows_read = records.rows_read();
        self.left_out = records.rows_left_out();
        self.redacted = records.found().clone();
        looked
    }

    fn take(&mut self, records: &mut Records<impl Read>) -> Result<(), Stop> {
        while self.rows.len() < SHOWN && self.problems.len() < SHOWN {
            match records.next().transpose()? {
                None => break,
                Some(Ok(record)) => self.rows.push(record),
                Some(Err(error)) => {
                    self.invalid += 1;
                    self.problems.push(error);
                }
            }
        }
        Ok(())
    }
}

fn names(prefix: &[u8], format: Format, schema: &Schema) -> Vec<String> {
    match format {
        Format::Csv { delimiter } => format::header(prefix, delimiter, schema).into_iter().map(Into::into).collect(),
        Format::Ndjson | Format::Json => {
            let content = prefix.trim_ascii_start();
            let content = content.strip_prefix(b"[").unwrap_or(content);
            let mut objects = serde_json::Deserializer::from_slice(content).into_iter::<serde_json::Map<_, _>>();
            let first: Option<serde_json::Map<String, serde_json::Value>> = objects.next().and_then(Result::ok);
            first.unwrap_or_default().into_iter().map(|(key, _)| key).collect()
        }
        _ => Vec::new(),
    }
}

fn shown(name: &str, redactor: &Redactor) -> String {
    let name = redactor.redact(name, &Names::default(), &mut Findings::default());
    name.trim().chars().take(COLUMN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::mapping::Mapping;

    fn preview(file: &str, kind: Kind, mapping: &[(&str, &str)]) -> Preview {
        let options = Options { mapping: mapping.iter().copied().collect::<Mapping>(), ..Options::default() };
        Preview::of(File::open(file.as_bytes(), &Limits::default()).unwrap(), kind, &options).unwrap()
    }

    #[test]
    fn a_preview_shows_columns_rows_and_problems_without_what_is_personal() {
        let seen = preview("Text;Label;x\nwrite to ada@example.org;a;\n;b;\n", Kind::Utterances, &[]);
        assert_eq!(seen.columns, ["Text", "Label", "x"]);
        assert_eq!(seen.mapping, BTreeMap::from([("intent".into(), "Label".into()), ("text".into(), "Text".into())]));
        assert_eq!(seen.rows[0].text, "write to {{customer.email}}");
        assert_eq!((seen.problems[0].row, seen.invalid, seen.rows_read), (3, 1, 2));
    }

    #[test]
    fn a_file_whose_columns_are_not_known_shows_them_and_is_read_once_they_are_named() {
        let file = "Anliegen,Abhilfe\nWo?,Dort\n";
        let seen = preview(file, Kind::Faq, &[]);
        assert_eq!(seen.refusal.unwrap().code, "missing_column");
        assert_eq!(seen.columns, ["Anliegen", "Abhilfe"]);
        let seen = preview(file, Kind::Faq, &[("question", "Anliegen"), ("answer", "abhilfe")]);
        assert_eq!((seen.refusal, seen.rows.len()), (None, 1));
        let file = "{\"Anliegen\":\"Wo?\",\"Abhilfe\":\"Dort\"}\n";
        let seen = preview(file, Kind::Faq, &[("question", "Anliegen"), ("answer", "Abhilfe")]);
        assert_eq!((seen.columns.len(), seen.rows[0].reply.as_deref()), (2, Some("Dort")));
    }

    #[test]
    fn no_more_is_read_than_is_shown() {
        let file = format!("text\n{}", "hello\n".repeat(50_000));
        let seen = preview(&file, Kind::Utterances, &[]);
        assert_eq!((seen.rows.len(), seen.rows_read), (20, 20));
    }
}
