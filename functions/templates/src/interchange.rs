//! Files of templates, as this product and help desks export them.
//!
//! Each layout becomes the same thing: the fields of a [`NewTemplate`] by their names, which are then checked as if somebody had
//! sent them. What a layout knows and a template does not is told in notes, and nothing else of the file is lost for it.

mod cells;
mod chatwoot;
mod own;
pub mod placeholders;
mod zammad;
mod zendesk;

use romashka_domain::TemplateId;
use romashka_domain::template::Content;
use romashka_http::{Problem, invalid, too_large};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use self::own::{CSV_COLUMNS, Row};
use self::placeholders::Translated;
use crate::content::NewTemplate;

/// Templates of one file.
pub const MAX_TEMPLATES: usize = 500;
/// Bytes of a file: a Lambda function is given six megabytes, and what is not ASCII may be written longer.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Notes on one template; what one note says, many more would not make clearer.
const MAX_NOTES: usize = 10;

/// How a file of templates is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A table with a row for each template.
    Csv,
    /// What this product exports, or a JSON array of templates as they are sent to be made.
    Json,
    /// Macros as Zendesk's API lists them.
    ZendeskMacros,
    /// Canned responses as Chatwoot's API lists them.
    ChatwootCannedResponses,
    /// Text modules as Zammad's API lists them.
    ZammadTextModules,
}

/// The words of [`Layout`] for people.
pub const LAYOUTS: &str = "`csv`, `json`, `zendesk_macros`, `chatwoot_canned_responses` or `zammad_text_modules`";

/// What is worth knowing of a template that came from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Note {
    /// What it is about.
    pub code: NoteCode,
    /// In words.
    pub detail: String,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteCode {
    /// A placeholder stays in the text, for a value that no template is given by itself.
    UnknownVariable,
    /// Something that looks like a placeholder has no counterpart here; it stands as text.
    KeptAsText,
    /// It also does something in the help desk that no template does.
    ActionDropped,
    /// Fewer people saw it there than would here; it is private.
    MadePrivate,
    /// Its shortcut is written otherwise here, or cannot be one, or another template has it.
    ShortcutChanged,
    /// It is switched off where it comes from, or has no text.
    NotInUse,
}

impl Note {
    pub fn new(code: NoteCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A template as a file has it.
#[derive(Debug)]
pub struct Found {
    /// What it is called there, as long as it is the same one.
    pub key: String,
    /// The template that it was exported from.
    pub id: Option<TemplateId>,
    /// Its name, where it has one.
    pub name: String,
    /// What it becomes.
    pub becomes: Becomes,
    /// Placeholders that have other names here.
    pub translated: Vec<Translated>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// What a template of a file becomes.
#[derive(Debug)]
pub enum Becomes {
    /// A template; whether the file itself says who sees it.
    Content { content: Box<Content>, says_who_sees: bool },
    /// None, and a note says why.
    Nothing,
    /// None, because it makes no sense.
    Refused(Problem),
}

/// What one entry of a file says, before it is checked.
#[derive(Debug, Default)]
struct Entry {
    key: String,
    id: Option<TemplateId>,
    /// The fields of a [`NewTemplate`].
    fields: Map<String, Value>,
    translated: Vec<Translated>,
    notes: Vec<Note>,
    /// Of notes that are too many, the codes.
    more: Vec<NoteCode>,
    is_not_in_use: bool,
    /// It is private because fewer people saw it there than would here, and not because the file says so.
    is_made_private: bool,
}

impl Entry {
    fn note(&mut self, code: NoteCode, detail: impl Into<String>) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(Note::new(code, detail));
        } else {
            self.more.push(code);
        }
    }

    /// A template that is new is seen by nobody else; one that was shared since stays so.
    fn made_private(&mut self, why: &str) {
        self.note(NoteCode::MadePrivate, why);
        self.set("visibility", "private");
        self.is_made_private = true;
    }

    fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    /// The text, whose placeholders this language has other names for.
    fn source(&mut self, written: &str, dialect: &placeholders::Dialect) {
        let read = placeholders::translate(written, dialect);
        self.translated = read.translated;
        for note in read.notes {
            self.note(note.code, note.detail);
        }
        let none = Vec::new();
        let defined = self.fields.get("variables").and_then(Value::as_array).unwrap_or(&none).clone();
        for name in read.unknown {
            if !defined.iter().any(|variable| variable["name"].as_str() == Some(&*name)) {
                let detail =
                    format!("`{name}` is no variable that is known here; define it, or give it a value each time");
                self.note(NoteCode::UnknownVariable, detail);
            }
        }
        self.set("source", read.source);
    }

    /// What agents type to get it there, as a shortcut of ours.
    fn shortcut(&mut self, typed: &str) {
        let plain: String = typed.trim().trim_start_matches(['/', ':']).to_lowercase();
        let plain: String = plain
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() || matches!(char, '_' | '-') { char } else { '-' })
            .take(32)
            .collect();
        let plain = plain.trim_matches('-');
        if plain.is_empty() {
            self.note(
                NoteCode::ShortcutChanged,
                "what is typed for it there has no letters `a-z` or digits; it has no shortcut",
            );
            return;
        }
        if plain != typed.trim() {
            self.note(NoteCode::ShortcutChanged, format!("the shortcut is `/{plain}` here"));
        }
        self.set("shortcut", plain);
    }

    fn not_in_use(mut self, why: &str) -> Self {
        self.notes.insert(0, Note::new(NoteCode::NotInUse, why));
        self.is_not_in_use = true;
        self
    }

    fn check(mut self, defaults: &Map<String, Value>) -> Found {
        let name = self.fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_visibility_set = self.fields.contains_key("visibility");
        let says_who_sees = is_visibility_set && !self.is_made_private;
        if let Some(code) = self.more.first() {
            self.notes.push(Note::new(*code, format!("and {} notes more", self.more.len())));
        }
        for (field, value) in defaults {
            let belongs = field != "team" || !is_visibility_set;
            if belongs && !self.fields.contains_key(field) {
                self.fields.insert(field.clone(), value.clone());
            }
        }
        let becomes = if self.is_not_in_use {
            Becomes::Nothing
        } else {
            match romashka_http::read_value::<NewTemplate>(Value::Object(self.fields)).and_then(NewTemplate::check) {
                Ok((content, _)) => Becomes::Content { content: Box::new(content), says_who_sees },
                Err(problem) => Becomes::Refused(problem),
            }
        };
        Found { key: self.key, id: self.id, name, becomes, translated: self.translated, notes: self.notes }
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct File {
    /// How it is laid out.
    pub layout: Layout,
    /// What it holds.
    pub templates: Vec<Found>,
}

/// Reads a file. Fields that it does not have are filled in from `defaults`.
pub fn read(bytes: &[u8], layout: Option<Layout>, defaults: &Map<String, Value>) -> Result<File, Problem> {
    if bytes.len() > MAX_BYTES {
        let detail = format!("the file has {} bytes; {MAX_BYTES} are allowed. Send it in parts", bytes.len());
        return Err(too_large("file_too_large", detail));
    }
    let text = romashka_ingest::decoded(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid("empty_file", "the file is empty; send its content as the body"));
    }
    let (layout, entries) = match layout {
        Some(Layout::Csv) => (Layout::Csv, own::rows(text)?),
        Some(layout) => (layout, of_json(layout, document(text)?)?),
        None if text.starts_with(['[', '{']) => {
            let document = document(text)?;
            let layout = guessed(&document);
            (layout, of_json(layout, document)?)
        }
        None => (Layout::Csv, own::rows(text)?),
    };
    if entries.len() > MAX_TEMPLATES {
        let detail =
            format!("the file has {} templates; {MAX_TEMPLATES} are taken at a time. Send it in parts", entries.len());
        return Err(too_large("too_many_templates", detail));
    }
    Ok(File { layout, templates: entries.into_iter().map(|entry| entry.check(defaults)).collect() })
}

fn document(text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        invalid("invalid_json", format!("the file is not valid JSON at {place}"))
    })
}

fn of_json(layout: Layout, document: Value) -> Result<Vec<Entry>, Problem> {
    let entries = entries(document)?.into_iter();
    Ok(match layout {
        Layout::ZendeskMacros => entries.map(zendesk::entry).collect(),
        Layout::ChatwootCannedResponses => entries.map(chatwoot::entry).collect(),
        Layout::ZammadTextModules => entries.map(zammad::entry).collect(),
        Layout::Json | Layout::Csv => entries.map(own::entry).collect(),
    })
}

/// The entries of a document: a list, or an object around one list, as APIs answer.
fn entries(document: Value) -> Result<Vec<Map<String, Value>>, Problem> {
    let list = match document {
        Value::Array(list) => list,
        Value::Object(mut fields) => {
            let around = ["templates", "items", "macros", "payload", "text_modules", "canned_responses", "data"]
                .into_iter()
                .find(|name| fields.get(*name).is_some_and(Value::is_array));
            match around.and_then(|name| fields.remove(name)) {
                Some(Value::Array(list)) => list,
                _ => vec![Value::Object(fields)],
            }
        }
        _ => return Err(invalid("invalid_file", "the file is no list of templates")),
    };
    let object = |(at, entry): (usize, Value)| match entry {
        Value::Object(entry) => Ok(entry),
        _ => Err(invalid("invalid_file", format!("entry {} of the file is no JSON object", at + 1))),
    };
    list.into_iter().enumerate().map(object).collect()
}

/// The layout of a document, by what only that one has.
fn guessed(document: &Value) -> Layout {
    let list = match document {
        Value::Array(list) => list.first(),
        Value::Object(fields) => fields.values().find_map(|value| value.as_array()?.first()).or(Some(document)),
        _ => None,
    };
    let has = |field: &str| list.is_some_and(|entry| entry.get(field).is_some());
    match () {
        () if has("actions") && has("title") => Layout::ZendeskMacros,
        () if has("short_code") && has("content") => Layout::ChatwootCannedResponses,
        () if has("keywords") && has("content") => Layout::ZammadTextModules,
        () => Layout::Json,
    }
}

/// A key made of an identifier that may be a number or a text; without one, of the place in the file.
fn key(value: Option<&Value>, otherwise: &str) -> String {
    match value {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if !text.trim().is_empty() => text.chars().take(200).collect(),
        _ => otherwise.chars().take(200).collect(),
    }
}

fn text<'entry>(entry: &'entry Map<String, Value>, field: &str) -> &'entry str {
    entry.get(field).and_then(Value::as_str).map(str::trim).unwrap_or_default()
}

/// What the fields are that a file leaves out.
pub fn defaults(language: Option<&str>, visibility: Option<&Value>, team: Option<&str>) -> Map<String, Value> {
    let mut defaults = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            defaults.insert(field.to_owned(), value);
        }
    };
    put("language", language.map(|language| json!(language)));
    put("visibility", visibility.cloned());
    put("team", team.map(|team| json!(team)));
    defaults
}

#[cfg(test)]
mod tests;
