//! JSON objects one after another, whatever lies around them.
//!
//! Exports come as one object a line (NDJSON), as one document with a list in it (`[…]`, `{"tickets": […]}`), or as objects
//! written over many lines. No document is ever held: a small machine follows brackets and strings byte by byte, and only
//! the object at hand is copied, into a buffer with a limit.

use std::io::{BufRead, BufReader, Read};

use crate::errors::{RowCode, RowError, Stop};
use crate::limits::Limits;
use crate::lines::Lines;
use crate::records;

/// Bytes of a key that are compared.
const KEY_BYTES: usize = 32;
/// Open containers whose keys are remembered: lists of items lie no deeper.
const NAMED_DEPTH: usize = 3;

/// Lists of a document whose objects are what an export is about, under the names that help desks give them.
const LISTS: &[&str] = &[
    "tickets",
    "conversations",
    "articles",
    "results",
    "records",
    "items",
    "rows",
    "data",
    "questions",
    "faqs",
    "utterances",
];
/// Of them, those that no row has under these names.
const PAGES: &[&str] = &["tickets", "conversations", "articles"];
/// Lists inside an object, by both their keys.
const NESTED: &[(&str, &str)] =
    &[("data", "payload"), ("_embedded", "conversations"), ("chats", "list"), ("rasa_nlu_data", "common_examples")];
/// Lists of people.
const PEOPLE: &[&str] = &["users", "contacts"];

/// How the objects of a file follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One a line: a broken line costs that line.
    Lines,
    /// In lists of one document.
    Lists,
    /// One after another, over any number of lines.
    Objects,
}

/// What an object is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A row, a ticket, a conversation.
    Item,
    /// Somebody whom items name by an id.
    Person,
    /// An intent, with its examples or without.
    Intent,
}

/// An object, not yet parsed.
pub(crate) struct Object<'file> {
    /// The line for [`Layout::Lines`], else the number of the item, from 1.
    pub(crate) row: u64,
    pub(crate) role: Role,
    pub(crate) text: &'file str,
}

/// What an object is there for, and how many bytes it has in the file, or what is wrong with it.
type Found = (Role, Result<u64, RowError>);

/// Decides by the beginning of a file that begins with `{` or `[`; `None` where it is no JSON after all.
pub(crate) fn layout(prefix: &[u8]) -> Option<Layout> {
    let content = prefix.trim_ascii_start();
    match content {
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [] | [b'{' | b']', ..]).then_some(Layout::Lists),
        [b'{', rest @ ..] => {
            if !matches!(rest.trim_ascii_start(), [] | [b'"' | b'}', ..]) && !rest.contains(&b'\n') {
                return Some(Layout::Lines);
            }
            let first_line = content.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
            let mut walk = Walk::new(Layout::Objects);
            let closes = first_line.iter().map(|byte| walk.step(*byte)).filter(|step| *step == Step::Ends).count();
            let next = content[first_line.len()..].trim_ascii_start();
            let mut walk = Walk::new(Layout::Lists);
            let mut has_list = |text: &[u8]| {
                text.iter().any(|byte| matches!(walk.step(*byte), Step::Begins(Role::Item | Role::Intent)))
            };
            // Of several whole objects each is a row, whatever lists it has, unless each is a page of an export.
            let are_rows = closes > 0 && next.starts_with(b"{") && !is_page(first_line);
            if !are_rows && has_list(content) {
                return Some(Layout::Lists);
            }
            // A first line that is no whole object is broken NDJSON, if the next one begins an object again.
            let is_broken_line =
                first_line.len() > 1 && next.starts_with(b"{\"") && !first_line.trim_ascii().ends_with(b"{");
            Some(if closes > 0 || is_broken_line || first_line.len() == content.len() {
                Layout::Lines
            } else {
                Layout::Objects
            })
        }
        _ => None,
    }
}

/// Returns true if an object is a page of an export: its first key is that of a list of tickets or the like.
fn is_page(object: &[u8]) -> bool {
    PAGES.iter().any(|list| {
        let key = object.strip_prefix(b"{\"").and_then(|rest| rest.strip_prefix(list.as_bytes()));
        key.is_some_and(|rest| rest.starts_with(b"\""))
    })
}

/// Takes objects off a file.
pub(crate) struct JsonObjects<R> {
    /// The object at hand is its line, and its number that of the item where there are no lines.
    lines: Lines<R>,
    layout: Layout,
    limits: Limits,
    walk: Walk,
    ended: bool,
}

impl<R: Read> JsonObjects<R> {
    pub(crate) fn open(input: BufReader<R>, layout: Layout, limits: Limits) -> Self {
        Self { lines: Lines::open(input, limits.row_bytes), layout, limits, walk: Walk::new(layout), ended: false }
    }

    /// Goes on in the middle of a file, where this is the next line.
    pub(crate) fn continue_at(&mut self, row: u64) {
        self.lines.number = row - 1;
    }

    /// The next object; a line that is blank is none.
    pub(crate) fn next_object(&mut self) -> Result<Option<Result<Object<'_>, RowError>>, Stop> {
        let found = match self.layout {
            Layout::Lines => self.lines.read()?.map(|length| (Role::Item, Ok(length))),
            Layout::Lists | Layout::Objects => self.next_item()?,
        };
        let Some((role, length)) = found else { return Ok(None) };
        Ok(Some(self.object(role, length)))
    }

    fn object(&self, role: Role, length: Result<u64, RowError>) -> Result<Object<'_>, RowError> {
        let (row, length) = (self.lines.number, length?);
        if length > self.limits.row_bytes as u64 {
            return Err(RowError::too_large(row, length, self.limits.row_bytes));
        }
        let text = str::from_utf8(&self.lines.line).map_err(|error| {
            let place = if self.layout == Layout::Lines { "line" } else { "object" };
            let why = format!("byte {} of the {place} is not UTF-8; save the file as UTF-8", error.valid_up_to() + 1);
            RowError::of_row(row, RowCode::NotUtf8, why)
        })?;
        let limit = self.limits.json_depth;
        if is_deeper(text, limit) {
            let why = format!("arrays and objects are nested deeper than the {limit} levels allowed");
            return Err(RowError::of_row(row, RowCode::JsonTooDeep, why));
        }
        Ok(Object { row, role, text })
    }

    /// Follows the document to the end of its next object.
    fn next_item(&mut self) -> Result<Option<Found>, Stop> {
        self.lines.line.clear();
        let mut length = 0_u64;
        let mut begun = None;
        while !self.ended {
            let input = records::fill(&mut self.lines.input)?;
            if input.is_empty() {
                self.ended = true;
                if begun.is_some() || self.walk.is_open() {
                    self.lines.number += 1;
                    let why = "the JSON ends too early: a bracket is never closed; export the file again";
                    return Ok(Some((Role::Item, Err(RowError::of_row(self.lines.number, RowCode::InvalidJson, why)))));
                }
                break;
            }
            // Where the part of the input that belongs to the object begins.
            let mut from = 0;
            let mut end = None;
            let mut at = self.walk.idle(input);
            while let Some(byte) = input.get(at) {
                match self.walk.step(*byte) {
                    Step::Begins(role) => {
                        begun = Some(role);
                        from = at;
                    }
                    Step::Ends if begun.is_some() => {
                        end = Some(at + 1);
                        break;
                    }
                    Step::Broken => {
                        self.ended = true;
                        self.lines.number += 1;
                        let why =
                            "the file is not valid JSON here, and what follows cannot be read; export the file again";
                        return Ok(Some((
                            Role::Item,
                            Err(RowError::of_row(self.lines.number, RowCode::InvalidJson, why)),
                        )));
                    }
                    _ => {}
                }
                at += 1;
                at += self.walk.idle(&input[at..]);
            }
            let read = end.unwrap_or(input.len());
            if begun.is_some() {
                let content = &input[from..read];
                let room = self.limits.row_bytes - self.lines.line.len();
                self.lines.line.extend_from_slice(&content[..content.len().min(room)]);
                length += content.len() as u64;
            }
            self.lines.input.consume(read);
            if let Some(role) = begun.filter(|_| end.is_some()) {
                self.lines.number += u64::from(role != Role::Person);
                return Ok(Some((role, Ok(length))));
            }
        }
        Ok(None)
    }

    /// Bytes held for the current object.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.lines.line.capacity()
    }
}

/// What a byte means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing in particular.
    On,
    /// It is the first of an object that counts.
    Begins(Role),
    /// It is the last of that object.
    Ends,
    /// No JSON goes on like this.
    Broken,
}

/// Follows a document.
struct Walk {
    layout: Layout,
    in_string: bool,
    escaped: bool,
    depth: usize,
    /// The containers that are open, as far as they are remembered.
    open: Vec<Container>,
    /// The string at hand, where it may be a key.
    string: Vec<u8>,
    /// The depth at which the object that counts was opened.
    item: Option<usize>,
}

struct Container {
    is_object: bool,
    /// The key before the value at hand.
    key: Vec<u8>,
}

impl Walk {
    fn new(layout: Layout) -> Self {
        Self { layout, in_string: false, escaped: false, depth: 0, open: Vec::new(), string: Vec::new(), item: None }
    }

    fn is_open(&self) -> bool {
        self.depth > 0 || self.in_string
    }

    /// How many of the bytes that come next mean nothing: those of a string in an object that counts, up to a byte that
    /// may end it. Most of an export is such strings, and this finds their ends much faster than a walk.
    #[inline(always)]
    fn idle(&self, next: &[u8]) -> usize {
        if !self.in_string || self.escaped || self.item.is_none() {
            return 0;
        }
        memchr::memchr2(b'"', b'\\', next).unwrap_or(next.len())
    }

    #[inline(always)]
    fn step(&mut self, byte: u8) -> Step {
        if self.in_string {
            self.in_string_step(byte);
            return Step::On;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string.clear();
                Step::On
            }
            b'{' | b'[' => self.opens(byte == b'{'),
            b'}' | b']' => self.closes(),
            b':' if self.item.is_none() => {
                let string = &self.string;
                if let Some(container) = self.open.last_mut().filter(|container| container.is_object) {
                    container.key.clone_from(string);
                }
                Step::On
            }
            _ => Step::On,
        }
    }

    #[inline(always)]
    fn in_string_step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ if self.item.is_none() && self.string.len() < KEY_BYTES => self.string.push(byte),
            _ => {}
        }
    }

    fn opens(&mut self, is_object: bool) -> Step {
        let role = if is_object && self.item.is_none() { self.role() } else { None };
        if role.is_some() {
            self.item = Some(self.depth);
        }
        self.depth += 1;
        if self.item.is_none() && self.open.len() < NAMED_DEPTH && self.open.len() + 1 == self.depth {
            self.open.push(Container { is_object, key: Vec::new() });
        }
        role.map_or(Step::On, Step::Begins)
    }

    fn closes(&mut self) -> Step {
        let Some(depth) = self.depth.checked_sub(1) else { return Step::Broken };
        self.depth = depth;
        self.open.truncate(depth);
        if self.item == Some(depth) {
            self.item = None;
            return Step::Ends;
        }
        Step::On
    }

    /// What an object that opens here is there for, if it counts.
    fn role(&self) -> Option<Role> {
        if self.layout == Layout::Objects {
            return (self.depth == 0).then_some(Role::Item);
        }
        if self.open.len() != self.depth {
            return None;
        }
        let key = |at: usize| str::from_utf8(&self.open[at].key).unwrap_or_default();
        let shape: Vec<bool> = self.open.iter().map(|container| container.is_object).collect();
        match shape.as_slice() {
            [false] => Some(Role::Item),
            [true, false] if LISTS.contains(&key(0)) => Some(Role::Item),
            [true, false] if PEOPLE.contains(&key(0)) => Some(Role::Person),
            [true, false] if key(0) == "intents" => Some(Role::Intent),
            [true, true, false] if (key(0), key(1)) == ("resource", "intents") => Some(Role::Intent),
            [true, true, false] if NESTED.contains(&(key(0), key(1))) => Some(Role::Item),
            _ => None,
        }
    }
}

/// Whether arrays and objects are nested deeper than this. Nothing is deeper than it has brackets, and counting them is
/// much faster than following them.
fn is_deeper(text: &str, limit: usize) -> bool {
    let opened = [b'[', b'{'].map(|bracket| memchr::memchr_iter(bracket, text.as_bytes()).count());
    opened.iter().sum::<usize>() > limit && depth(text) > limit
}

/// The deepest nesting of arrays and objects, brackets inside strings aside.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn objects(file: &str) -> Vec<(u64, Role, String)> {
        let layout = layout(file.as_bytes()).unwrap();
        // Read in pieces of seven bytes: no place may be special.
        let mut objects = JsonObjects::open(BufReader::with_capacity(7, file.as_bytes()), layout, Limits::default());
        let mut found = Vec::new();
        while let Some(object) = objects.next_object().unwrap() {
            let object = object.unwrap();
            found.push((object.row, object.role, object.text.to_owned()));
        }
        found
    }

    fn items(file: &str) -> Vec<String> {
        objects(file).into_iter().filter(|(_, role, _)| *role == Role::Item).map(|(.., text)| text).collect()
    }

    #[test]
    fn the_objects_of_a_document_are_found_wherever_its_list_is() {
        for file in [
            r#"[{"a": 1}, {"b": "}]{"}]"#,
            "[\n  {\"a\": 1},\n  {\"b\": \"}]{\"}\n]",
            r#"{"count": 2, "tickets": [{"a": 1}, {"b": "}]{"}], "next_page": null}"#,
            r#"{"data": {"meta": {"x": [{"no": 1}]}, "payload": [{"a": 1}, {"b": "}]{"}]}}"#,
            r#"{"data": [{"a": 1}, {"b": "}]{"}]}"#,
        ] {
            assert_eq!(items(file), [r#"{"a": 1}"#, r#"{"b": "}]{"}"#], "{file}");
        }
    }

    #[test]
    fn people_are_told_from_items() {
        let file = r#"{"users": [{"id": 7}], "tickets": [{"id": 1, "users": [{"id": 9}]}]}"#;
        let found: Vec<_> = objects(file).into_iter().map(|(row, role, _)| (row, role)).collect();
        assert_eq!(found, [(0, Role::Person), (1, Role::Item)]);
    }

    #[test]
    fn an_object_that_holds_no_list_of_ours_is_an_item_itself() {
        assert_eq!(layout(b"{\"id\": 1, \"messages\": [{\"x\": 1}]}"), Some(Layout::Lines));
        assert_eq!(items("{\n  \"id\": 1,\n  \"messages\": [{\"x\": 1}]\n}\n{\n \"id\": 2}").len(), 2);
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let rows: Vec<_> = objects("\n{\"a\": 1}\n\n  \n{\"a\": 2}").into_iter().map(|(row, ..)| row).collect();
        assert_eq!(rows, [2, 5]);
    }

    #[test]
    fn a_document_that_ends_too_early_gives_what_it_has_and_says_so() {
        let file = r#"{"tickets": [{"a": 1}, {"b": "#;
        let mut objects = JsonObjects::open(BufReader::new(file.as_bytes()), Layout::Lists, Limits::default());
        assert!(objects.next_object().unwrap().unwrap().is_ok());
        let error = objects.next_object().unwrap().unwrap().err().unwrap();
        assert_eq!((error.row, error.code), (2, RowCode::InvalidJson));
        assert!(objects.next_object().unwrap().is_none());
    }

    #[test]
    fn an_object_larger_than_a_row_costs_that_object() {
        let file = format!("[{{\"a\": \"{}\"}}, {{\"b\": 1}}]", "x".repeat(5000));
        let limits = Limits { row_bytes: 100, ..Limits::default() };
        let mut objects = JsonObjects::open(BufReader::new(file.as_bytes()), Layout::Lists, limits);
        let error = objects.next_object().unwrap().unwrap().err().unwrap();
        assert_eq!(error.code, RowCode::RowTooLarge);
        assert_eq!(objects.next_object().unwrap().unwrap().unwrap().text, "{\"b\": 1}");
        assert!(objects.held_bytes() <= 200);
    }

    #[test]
    fn brackets_inside_a_string_are_not_nesting() {
        assert_eq!(depth(r#"{"a": "[[[\"[[", "b": [[]]}"#), 3);
        assert_eq!(depth("]]}}"), 0);
    }

    proptest! {
        #[test]
        fn what_is_skipped_would_have_changed_nothing(file in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ab".to_vec()), 0..200)) {
            let mut walk = Walk::new(Layout::Objects);
            let mut rest = file.as_slice();
            while !rest.is_empty() {
                let (skipped, others) = rest.split_at(walk.idle(rest));
                let before = (walk.depth, walk.item);
                for byte in skipped {
                    prop_assert_eq!(walk.step(*byte), Step::On);
                    prop_assert!(walk.in_string && !walk.escaped && (walk.depth, walk.item) == before);
                }
                let Some((byte, others)) = others.split_first() else { break };
                walk.step(*byte);
                rest = others;
            }
        }

        #[test]
        fn no_bytes_stop_it(file in prop::collection::vec(prop::sample::select(b"{}[]\",:\\a \n".to_vec()), 0..200)) {
            for layout in [Layout::Lines, Layout::Lists, Layout::Objects] {
                let mut objects = JsonObjects::open(BufReader::with_capacity(3, file.as_slice()), layout, Limits::default());
                let mut given = 0;
                while objects.next_object().unwrap().is_some() {
                    given += 1;
                    prop_assert!(given <= file.len() + 1);
                }
            }
        }
    }
}
