//! Which columns each kind of file has, and under which names exports know them.

use std::borrow::Cow;

use crate::kind::Kind;
use crate::mapping::Mapping;

/// What a cell means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Text,
    Intent,
    Reply,
    Conversation,
    Role,
}

/// How many [`Field`]s there are.
const FIELDS: usize = 5;

/// A column that a kind of file may or must have.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// Accepted names in lower case. Where a file has several of them, the earliest in this list wins.
    pub(crate) names: &'static [&'static str],
    pub(crate) required: bool,
}

impl Column {
    const fn required(field: Field, names: &'static [&'static str]) -> Self {
        Self { field, names, required: true }
    }

    const fn optional(field: Field, names: &'static [&'static str]) -> Self {
        Self { field, names, required: false }
    }
}

const INTENT: &[&str] = &["intent", "label", "category"];

const UTTERANCES: &[Column] = &[
    Column::required(Field::Text, &["text", "utterance", "message", "question", "query", "content", "body"]),
    Column::optional(Field::Intent, INTENT),
];

const FAQ: &[Column] = &[
    Column::required(Field::Text, &["question", "q", "title"]),
    Column::required(Field::Reply, &["answer", "a", "reply", "response", "body"]),
    Column::optional(Field::Intent, INTENT),
];

/// `created_at` is welcome and unread: turns arrive in the order of the file.
const CONVERSATIONS: &[Column] = &[
    Column::required(
        Field::Conversation,
        &[
            "conversation_id",
            "conversation",
            "ticket_id",
            "ticket",
            "thread_id",
            "chat_id",
            "session_id",
            "case_id",
            "dialog_id",
            "dialogue_id",
        ],
    ),
    Column::required(
        Field::Role,
        &["role", "author_type", "sender_type", "from", "sender", "author", "speaker", "participant"],
    ),
    Column::required(Field::Text, &["text", "message", "body", "content", "utterance", "comment"]),
    Column::optional(Field::Intent, INTENT),
];

const KNOWLEDGE: &[Column] = &[
    Column::required(Field::Text, &["title", "name", "heading", "subject"]),
    Column::required(Field::Reply, &["body", "content", "text", "article"]),
];

/// The columns of a kind of file.
fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Utterances => UTTERANCES,
        Kind::Faq => FAQ,
        Kind::Conversations => CONVERSATIONS,
        Kind::Knowledge => KNOWLEDGE,
    }
}

/// The columns of one file, under our names or the tenant's.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) columns: &'static [Column],
    /// What the tenant calls some of them, trimmed and in lower case.
    mapped: Vec<(&'static Column, String)>,
}

impl Schema {
    pub(crate) fn new(kind: Kind, mapping: &Mapping) -> Self {
        let columns = columns(kind);
        let mapped = mapping.iter().filter_map(|(ours, theirs)| {
            let column = columns.iter().find(|column| column.names[0] == ours)?;
            Some((column, theirs.trim().to_lowercase()))
        });
        Self { columns, mapped: mapped.collect() }
    }

    /// The column that goes by this name, with the rank of the name among the accepted ones (0 is best). Where the
    /// tenant named a column, nothing else goes for it.
    pub(crate) fn recognise(&self, name: &str) -> Option<(&'static Column, usize)> {
        let name = name.trim();
        if !self.mapped.is_empty() {
            let lower = name.to_lowercase();
            if let Some((column, _)) = self.mapped.iter().find(|(_, theirs)| *theirs == lower) {
                return Some((column, 0));
            }
        }
        self.columns.iter().filter(|column| !self.is_mapped(column)).find_map(|column| {
            let rank = column.names.iter().position(|accepted| accepted.eq_ignore_ascii_case(name))?;
            Some((column, rank))
        })
    }

    fn is_mapped(&self, column: &Column) -> bool {
        self.mapped.iter().any(|(mapped, _)| mapped.field == column.field)
    }
}

/// The names by which a mapping calls the columns of a kind.
pub(crate) fn preferred_names(kind: Kind) -> impl Iterator<Item = &'static str> {
    columns(kind).iter().map(|column| column.names[0])
}

/// The content of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Cell<'row> {
    /// The row has no such cell (or it is JSON's `null`).
    #[default]
    Absent,
    Text(Cow<'row, str>),
    /// The byte of the cell, from 1, at which it stops being UTF-8.
    NotUtf8(usize),
    /// A JSON value that is neither text nor a number.
    NotText,
}

/// One row, each cell in the place that its meaning gives it.
#[derive(Debug, Default)]
pub(crate) struct Cells<'row> {
    cells: [Cell<'row>; FIELDS],
    /// The rank of the name under which a cell came.
    ranks: [usize; FIELDS],
}

impl<'row> Cells<'row> {
    /// Puts a cell in its place unless one of a better or the same name is there already.
    pub(crate) fn place(&mut self, field: Field, rank: usize, cell: Cell<'row>) {
        if cell == Cell::Absent {
            return;
        }
        let place = field as usize;
        if self.cells[place] == Cell::Absent || rank < self.ranks[place] {
            self.cells[place] = cell;
            self.ranks[place] = rank;
        }
    }

    /// Takes the cell, with the accepted name under which it came (the preferred one if it is absent).
    pub(crate) fn take(&mut self, column: &'static Column) -> (Cell<'row>, &'static str) {
        let place = column.field as usize;
        let cell = std::mem::take(&mut self.cells[place]);
        (cell, column.names[self.ranks[place]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_recognised_whatever_its_case_and_spaces() {
        let schema = Schema::new(Kind::Utterances, &Mapping::default());
        let (column, rank) = schema.recognise("  Message ").unwrap();
        assert_eq!((column.field, rank), (Field::Text, 2));
        assert!(schema.recognise("messages").is_none());
    }

    #[test]
    fn a_mapped_column_goes_by_the_tenants_name_alone() {
        let mapping: Mapping = serde_json::from_str(r#"{"text": "Что случилось", "intent": "message"}"#).unwrap();
        let schema = Schema::new(Kind::Utterances, &mapping);
        let field = |name: &str| schema.recognise(name).map(|(column, _)| column.field);
        assert_eq!(field(" что СЛУЧИЛОСЬ"), Some(Field::Text));
        assert_eq!(field("message"), Some(Field::Intent));
        assert_eq!((field("text"), field("label")), (None, None));
    }

    #[test]
    fn of_two_accepted_columns_the_preferred_name_wins_in_any_order() {
        for order in [[(2, "message"), (0, "text")], [(0, "text"), (2, "message")]] {
            let mut cells = Cells::default();
            for (rank, content) in order {
                cells.place(Field::Text, rank, Cell::Text(content.into()));
            }
            assert_eq!(cells.take(&UTTERANCES[0]), (Cell::Text("text".into()), "text"));
        }
    }

    #[test]
    fn no_name_stands_for_two_columns_of_one_kind() {
        for kind in Kind::ALL {
            let mut names: Vec<_> = columns(kind).iter().flat_map(|column| column.names).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{kind}");
        }
    }
}
