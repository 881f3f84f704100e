//! The cells of one JSON object.
//!
//! The object is never built: keys that mean nothing to us are skipped as they are parsed, so a hostile object costs no
//! more memory than its text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::errors::{RowCode, RowError};
use crate::limits::Limits;
use crate::schema::{Cell, Cells, Column, Schema};

/// Reads an object's cells.
pub(crate) fn cells<'text>(
    row: u64,
    text: &'text str,
    schema: &Schema,
    limits: &Limits,
) -> Result<Cells<'text>, RowError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (cells, keys) = Object { schema }
        .deserialize(&mut json)
        .and_then(|object| json.end().map(|()| object))
        .map_err(|error| not_an_object(row, &error))?;
    if keys > limits.columns as u64 {
        return Err(RowError::too_many_columns(row, keys, limits.columns));
    }
    Ok(cells)
}

/// The sentence is ours: that of `serde_json` may repeat what the line contains.
pub(crate) fn not_an_object(row: u64, error: &serde_json::Error) -> RowError {
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

/// The error of an object of an export that cannot be read.
pub(crate) fn not_as_exported(row: u64, error: &serde_json::Error) -> RowError {
    if error.is_data() {
        let why = format!(
            "the object is not as this help desk exports it: at byte {} a value is of another type than is known; export it \
             again, or upload the messages as a table",
            error.column()
        );
        return RowError::of_row(row, RowCode::WrongType, why);
    }
    not_an_object(row, error)
}

/// The object of a line: its cells and the count of its keys.
struct Object<'schema> {
    schema: &'schema Schema,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = (Cells<'de>, u64);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = (Cells<'de>, u64);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut cells = Cells::default();
        let mut keys = 0;
        while let Some(known) = object.next_key_seed(Key { schema: self.schema })? {
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
struct Key<'schema> {
    schema: &'schema Schema,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<(&'static Column, usize)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<(&'static Column, usize)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.schema.recognise(key))
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

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Cell::Truth(truth))
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
