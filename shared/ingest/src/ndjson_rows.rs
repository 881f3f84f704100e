//! Rows of an NDJSON file: one object a line, as <https://github.com/ndjson/ndjson-spec> has it.
//!
//! A line is read into a buffer with a limit and its object is never built: keys that mean nothing to us
//! are skipped as they are parsed, so a hostile object costs no more memory than its line.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::errors::{RowCode, RowError, Stop};
use crate::limits::Limits;
use crate::records::{self, RawRow};
use crate::schema::{self, Cell, Cells, Column};

pub(crate) struct NdjsonRows<R> {
    input: BufReader<R>,
    columns: &'static [Column],
    limits: Limits,
    /// The current line, without its line feed.
    line: Vec<u8>,
    /// The number of the current line.
    number: u64,
}

impl<R: Read> NdjsonRows<R> {
    pub(crate) fn open(input: BufReader<R>, columns: &'static [Column], limits: Limits) -> Self {
        Self { input, columns, limits, line: Vec::new(), number: 0 }
    }

    /// The next line that is not blank.
    pub(crate) fn next_row(&mut self) -> Result<Option<RawRow<'_>>, Stop> {
        loop {
            let Some(length) = self.read_line()? else {
                return Ok(None);
            };
            if length > self.limits.row_bytes as u64 {
                let error = RowError::too_large(self.number, length, self.limits.row_bytes);
                return Ok(Some(Err(error)));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.parse().map(|cells| (self.number, cells))));
            }
        }
    }

    fn parse(&self) -> Result<Cells<'_>, RowError> {
        let row = self.number;
        let line = str::from_utf8(&self.line).map_err(|error| {
            let why = format!("byte {} of the line is not UTF-8; save the file as UTF-8", error.valid_up_to() + 1);
            RowError::of_row(row, RowCode::NotUtf8, why)
        })?;
        if depth(line) > self.limits.json_depth {
            let why =
                format!("arrays and objects are nested deeper than the {} levels allowed", self.limits.json_depth);
            return Err(RowError::of_row(row, RowCode::JsonTooDeep, why));
        }
        let mut json = serde_json::Deserializer::from_str(line);
        let object = Object { columns: self.columns };
        let (cells, keys) = object
            .deserialize(&mut json)
            .and_then(|object| json.end().map(|()| object))
            .map_err(|error| not_an_object(row, &error))?;
        if keys > self.limits.columns as u64 {
            return Err(RowError::too_many_columns(row, keys, self.limits.columns));
        }
        Ok(cells)
    }

    /// Reads one line into the buffer as far as it fits, and gives back its length in bytes.
    fn read_line(&mut self) -> Result<Option<u64>, Stop> {
        self.line.clear();
        self.number += 1;
        let mut length = 0;
        let mut at_start = true;
        loop {
            let input = records::fill(&mut self.input)?;
            if input.is_empty() {
                return Ok((!at_start).then_some(length));
            }
            at_start = false;
            let line_feed = input.iter().position(|byte| *byte == b'\n');
            let content = &input[..line_feed.unwrap_or(input.len())];
            let room = self.limits.row_bytes - self.line.len();
            self.line.extend_from_slice(&content[..content.len().min(room)]);
            length += content.len() as u64;
            let read = content.len() + usize::from(line_feed.is_some());
            self.input.consume(read);
            if line_feed.is_some() {
                return Ok(Some(length));
            }
        }
    }

    /// Bytes held for the current line.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.line.capacity()
    }
}

/// The sentence is ours: that of `serde_json` may repeat what the line contains.
fn not_an_object(row: u64, error: &serde_json::Error) -> RowError {
    if error.is_data() {
        return RowError::of_row(
            row,
            RowCode::NotAnObject,
            "the line is JSON but not an object; write it as {\"name\": \"value\"}",
        );
    }
    let what = if error.is_eof() { "the JSON of the line ends too early" } else { "the line is not valid JSON" };
    let why = format!("{what}, at byte {}; write one whole object a line", error.column());
    RowError::of_row(row, RowCode::InvalidJson, why)
}

/// The deepest nesting of arrays and objects, brackets inside strings aside.
fn depth(line: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in line.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The object of a line: its cells and the count of its keys.
struct Object {
    columns: &'static [Column],
}

impl<'de> DeserializeSeed<'de> for Object {
    type Value = (Cells<'de>, u64);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = (Cells<'de>, u64);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut cells = Cells::default();
        let mut keys = 0;
        while let Some(known) = object.next_key_seed(Key { columns: self.columns })? {
            keys += 1;
            match known {
                Some((column, rank)) => {
                    cells.place(column.field, rank, object.next_value_seed(Value)?);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((cells, keys))
    }
}

/// A key of an object: the column that it names, if any.
struct Key {
    columns: &'static [Column],
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<(&'static Column, usize)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<(&'static Column, usize)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(schema::recognise(self.columns, key))
    }
}

/// A value of an object as a cell: text, or a number as it would be written.
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Cell<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(number.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cell::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cell::NotText)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::NotText)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::NotText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_a_string_are_not_nesting() {
        assert_eq!(depth(r#"{"a": "[[[\"[[", "b": [[]]}"#), 3);
        assert_eq!(depth("]]}}"), 0);
    }
}
