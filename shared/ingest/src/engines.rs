//! Training files of other engines: what customers say, by intent, so that a team can move.
//!
//! Marks of entities are taken off, and templates of phrases are left out: no customer writes `@sys.given-name:name`.

mod intents;
mod rasa;

use std::io::Read;
use std::sync::LazyLock;

use regex::Regex;

use crate::errors::Stop;
use crate::format::Format;
use crate::limits::Limits;
use crate::quotes::expression;
use crate::records::RawRow;
use crate::schema::{Cell, Cells, Field};
use crate::source;

pub(crate) use intents::{engine_of, examples};
pub(crate) use rasa::{is_markdown, is_yaml};

/// An utterance of customers who mean an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    /// The line of the file, from 1.
    pub(crate) row: u64,
    pub(crate) text: String,
    pub(crate) intent: String,
}

/// The examples of a document as rows.
pub(crate) struct ExampleRows {
    examples: std::vec::IntoIter<Example>,
    current: Option<Example>,
}

impl ExampleRows {
    /// Reads a document whole.
    pub(crate) fn open(input: impl Read, format: Format, limits: &Limits) -> Result<Self, Stop> {
        let document = source::whole(input, limits)?;
        let examples = match format {
            Format::Yaml => rasa::of_yaml(&document, limits)?,
            _ => rasa::of_markdown(&document),
        };
        Ok(Self { examples: examples.into_iter(), current: None })
    }

    pub(crate) fn next_row(&mut self) -> Option<RawRow<'_>> {
        self.current = Some(self.examples.next()?);
        let example = self.current.as_ref()?;
        let mut cells = Cells::default();
        cells.place(Field::Text, 0, Cell::Text(example.text.as_str().into()));
        cells.place(Field::Intent, 0, Cell::Text(example.intent.as_str().into()));
        Some(Ok((example.row, cells)))
    }
}

/// A part of an example that is marked as an entity: `[Berlin](city)`, `[Berlin]{"entity": "city"}`.
static MARKED: LazyLock<Regex> = LazyLock::new(|| expression(r"\[([^\]\[]+)\](?:\([^)]*\)|\{[^}]*\})"));

/// An example without the marks of entities.
fn without_marks(example: &str) -> String {
    MARKED.replace_all(example, "$1").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_entities_are_taken_off() {
        for (marked, plain) in [
            ("fly to [Berlin](city) on [Monday](day)", "fly to Berlin on Monday"),
            ("a [big]{\"entity\": \"size\", \"role\": \"x\"} shelf", "a big shelf"),
            ("see [1] and (2)", "see [1] and (2)"),
        ] {
            assert_eq!(without_marks(marked), plain);
        }
    }
}
