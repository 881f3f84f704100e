//! Templates as this product writes them: a JSON document, or a table.

use romashka_domain::template::{MAX_INTENT_CHARS, MAX_LABEL_CHARS, Template};
use romashka_http::{Problem, invalid};
use serde_json::{Map, Value, json};

use super::cells::labels;
use super::placeholders::{Dialect, Marks};
use super::{Entry, key, text};

/// What is written here is Liquid, and its names are ours.
const DIALECT: Dialect = Dialect { marks: Marks::Liquid, names: &[] };

/// What an export adds to the fields that a template is made of.
const READ_ONLY: &[&str] = &["id", "version", "created_by", "created_at", "updated_by", "updated_at", "deleted_at"];

/// The columns of a table, as they are written.
pub const CSV_COLUMNS: &[&str] = &[
    "id",
    "name",
    "source",
    "format",
    "language",
    "category",
    "tags",
    "intents",
    "visibility",
    "team",
    "shortcut",
    "variables",
    "version",
    "updated_at",
];

/// What other tables call the columns, in small letters without spaces.
const ALSO: &[(&str, &[&str])] = &[
    ("name", &["title", "subject"]),
    ("source", &["content", "body", "text", "template", "reply", "response", "answer", "message"]),
    ("language", &["locale", "lang"]),
    ("category", &["categories", "folder", "group", "topic"]),
    ("tags", &["labels", "keywords"]),
    ("shortcut", &["short_code", "shortcode", "code", "trigger"]),
];

/// A template as a row of a table.
#[derive(Debug)]
pub struct Row(pub Vec<String>);

impl Row {
    /// The cells, in the order of [`CSV_COLUMNS`].
    pub fn of(template: &Template) -> Self {
        let fields = json!(template);
        let cell = |column: &&str| match &fields[*column] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(labels) if *column == "category" => joined(labels, " / ", &['/', ':']),
            Value::Array(labels) if matches!(*column, "tags" | "intents") => joined(labels, ", ", BETWEEN_LABELS),
            Value::Array(list) if list.is_empty() => String::new(),
            other => other.to_string(),
        };
        Self(CSV_COLUMNS.iter().map(cell).map(harmless).collect())
    }
}

/// What divides tags.
const BETWEEN_LABELS: &[char] = &[',', ';', '|'];

/// Labels in one cell: as JSON where one of them holds what would divide it, or looks like JSON itself.
fn joined(labels: &[Value], between: &str, dividing: &[char]) -> String {
    let is_divided = |label: &str| label.contains(dividing) || label.starts_with('[');
    if labels.iter().filter_map(Value::as_str).any(is_divided) {
        return json!(labels).to_string();
    }
    labels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(between)
}

/// What a spreadsheet would take for a formula, it takes for text (OWASP, "CSV Injection").
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) { format!("'{cell}") } else { cell }
}

fn as_written(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r', '\''])).unwrap_or(cell)
}

/// The rows of a table.
pub(super) fn rows(text: &str) -> Result<Vec<Entry>, Problem> {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    let delimiter = b",;\t".iter().copied().max_by_key(count).filter(|delimiter| count(delimiter) > 0).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| {
        let line = error.position().map(|position| format!(" at line {}", position.line())).unwrap_or_default();
        invalid("invalid_csv", format!("the table cannot be read{line}"))
    };
    let columns: Vec<Option<&str>> = reader.headers().map_err(unreadable)?.iter().map(column).collect();
    if !["name", "source"].iter().all(|needed| columns.contains(&Some(needed))) {
        let detail = "the first row must name the columns, and `name` and `source` must be among them";
        return Err(invalid("missing_columns", detail));
    }
    let mut entries = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let mut fields = Map::new();
        for (column, cell) in columns.iter().zip(&row) {
            let (Some(column), cell) = (column, as_written(cell)) else { continue };
            if cell.trim().is_empty() {
                continue;
            }
            let value = match *column {
                "source" => json!(cell),
                "category" => as_json(cell).unwrap_or_else(|| json!(parts(cell))),
                "tags" => as_json(cell).unwrap_or_else(|| json!(labels(cell, BETWEEN_LABELS, MAX_LABEL_CHARS))),
                "intents" => as_json(cell).unwrap_or_else(|| json!(labels(cell, BETWEEN_LABELS, MAX_INTENT_CHARS))),
                "variables" => serde_json::from_str(cell).unwrap_or_else(|_| json!(cell)),
                _ => json!(cell.trim()),
            };
            fields.insert((*column).to_owned(), value);
        }
        entries.push(entry(fields));
    }
    Ok(entries)
}

/// Labels that are written as JSON.
fn as_json(cell: &str) -> Option<Value> {
    serde_json::from_str::<Vec<String>>(cell).ok().map(Value::from)
}

/// Categories, the outermost first.
fn parts(cell: &str) -> Vec<&str> {
    let between = if cell.contains("::") { "::" } else { "/" };
    cell.split(between).map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn column(title: &str) -> Option<&'static str> {
    let title = title.trim().to_lowercase().replace(' ', "_");
    let ours = CSV_COLUMNS.iter().find(|column| **column == title);
    let theirs = || ALSO.iter().find(|(_, names)| names.contains(&&*title)).map(|(column, _)| column);
    ours.or_else(theirs).copied()
}

/// A template of this product.
pub(super) fn entry(mut fields: Map<String, Value>) -> Entry {
    let by_name = format!("{}/{}", text(&fields, "name"), text(&fields, "language"));
    let id = fields.get("id").cloned();
    for field in READ_ONLY {
        fields.remove(*field);
    }
    let mut entry = Entry {
        key: key(id.as_ref(), &by_name),
        id: id.as_ref().and_then(Value::as_str).and_then(|id| id.parse().ok()),
        ..Entry::default()
    };
    let source = fields.get("source").and_then(Value::as_str).map(str::to_owned);
    entry.fields = fields;
    if let Some(source) = source {
        entry.source(&source, &DIALECT);
    }
    entry
}
