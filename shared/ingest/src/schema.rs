//! Columns of each kind of file.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::headings;
use crate::kind::Kind;
use crate::mapping::Mapping;
use crate::speakers::Speaker;

/// What a cell means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Text,
    Intent,
    Reply,
    Conversation,
    Role,
    /// Time of a message.
    At,
    /// True if a message is a note among colleagues.
    Private,
    /// True if a message went to the customer.
    Public,
    /// A direction, or what else a row is.
    Sort,
    /// The name of whoever wrote a message.
    AuthorName,
    CustomerName,
    AgentName,
    /// The time of day, where the date stands elsewhere.
    Time,
    /// True if a program wrote a message.
    Automated,
}

/// Fields that tell about a message and are no part of what was said.
pub(crate) const ABOUT: &[Field] = &[
    Field::Role,
    Field::At,
    Field::Private,
    Field::Public,
    Field::Sort,
    Field::AuthorName,
    Field::CustomerName,
    Field::AgentName,
    Field::Time,
    Field::Automated,
];

/// How many [`Field`]s there are.
const FIELDS: usize = 14;
/// Accepted names that a person is told.
const TOLD: usize = 8;

/// A column that a kind of file may or must have.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: Field,
    /// Accepted names in [normal form](headings::normal). Where a file has several of them, the earliest in this list wins.
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

    /// The names that a person is told, the preferred one first.
    pub(crate) fn told(&self) -> &'static [&'static str] {
        &self.names[..TOLD.min(self.names.len())]
    }
}

const UTTERANCES: &[Column] =
    &[Column::required(Field::Text, headings::TEXT), Column::optional(Field::Intent, headings::INTENT)];

const FAQ: &[Column] = &[
    Column::required(Field::Text, headings::QUESTION),
    Column::required(Field::Reply, headings::ANSWER),
    Column::optional(Field::Intent, headings::INTENT),
];

/// Each row is a message.
const CONVERSATIONS: &[Column] = &[
    Column::required(Field::Conversation, headings::CONVERSATION),
    Column::required(Field::Role, headings::ROLE),
    Column::required(Field::Text, headings::MESSAGE),
    Column::optional(Field::Intent, headings::INTENT),
    Column::optional(Field::At, headings::AT),
    Column::optional(Field::Private, headings::PRIVATE),
    Column::optional(Field::Public, headings::PUBLIC),
    Column::optional(Field::Sort, headings::SORT),
    Column::optional(Field::Time, headings::TIME),
    Column::optional(Field::Automated, headings::AUTOMATED),
    Column::optional(Field::AuthorName, headings::AUTHOR_NAME),
    Column::optional(Field::CustomerName, headings::CUSTOMER_NAME),
    Column::optional(Field::AgentName, headings::AGENT_NAME),
];

const KNOWLEDGE: &[Column] = &[
    Column::required(Field::Text, headings::TITLE),
    Column::required(Field::Reply, headings::ARTICLE),
    Column::optional(Field::Private, headings::DRAFT),
    Column::optional(Field::Sort, headings::STATE),
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
    pub(crate) kind: Kind,
    pub(crate) columns: &'static [Column],
    /// Every accepted name, with its column and its rank (0 is best), but for columns that the tenant named.
    known: HashMap<&'static str, (&'static Column, usize)>,
    /// The tenant's names of some of them, in normal form.
    mapped: Vec<(&'static Column, String)>,
    /// The tenant's words for speakers, in normal form.
    roles: BTreeMap<String, Speaker>,
}

impl Schema {
    pub(crate) fn new(kind: Kind, mapping: &Mapping) -> Self {
        let columns = columns(kind);
        let mapped = mapping.columns().filter_map(|(ours, theirs)| {
            let column = columns.iter().find(|column| column.names[0] == ours)?;
            Some((column, headings::normal(theirs)))
        });
        let mapped: Vec<(&Column, String)> = mapped.collect();
        let is_mapped = |column: &Column| mapped.iter().any(|(mapped, _)| mapped.field == column.field);
        let known = columns
            .iter()
            .filter(|column| !is_mapped(column))
            .flat_map(|column| column.names.iter().enumerate().map(move |(rank, name)| (*name, (column, rank))));
        let roles = mapping.roles().map(|(word, speaker)| (headings::normal(word), speaker));
        Self { kind, columns, known: known.collect(), roles: roles.collect(), mapped }
    }

    /// The column that goes by this name, with the rank of the name among the accepted ones (0 is best). Where the
    /// tenant named a column, nothing else goes for it.
    pub(crate) fn recognise(&self, name: &str) -> Option<(&'static Column, usize)> {
        if self.mapped.is_empty()
            && let Some(known) = self.known.get(name)
        {
            return Some(*known);
        }
        let name = headings::normal(name);
        let mapped = self.mapped.iter().find(|(_, theirs)| *theirs == name).map(|(column, _)| (*column, 0));
        let known = |name: &str| self.known.get(name).copied();
        let is_conversation = |(column, _): &(&Column, usize)| column.field == Field::Conversation;
        mapped.or_else(|| known(&name)).or_else(|| headings::noun(&name).and_then(known).filter(is_conversation))
    }

    /// The first column that a file must have and that none of these fields is. A direction tells the speaker as well as a
    /// role does.
    pub(crate) fn missing(&self, has: impl Fn(Field) -> bool) -> Option<&'static Column> {
        self.columns.iter().find(|column| {
            let stands_in = column.field == Field::Role && has(Field::Sort);
            column.required && !has(column.field) && !stands_in
        })
    }

    /// The tenant's name of a column, in normal form.
    pub(crate) fn mapped_name(&self, column: &Column) -> Option<&str> {
        self.mapped.iter().find(|(mapped, _)| mapped.field == column.field).map(|(_, name)| name.as_str())
    }

    /// The speaker that a word means in this file.
    pub(crate) fn speaker(&self, word: &str) -> Option<Speaker> {
        let theirs = || self.roles.get(&headings::normal(word)).copied();
        if self.roles.is_empty() { Speaker::named(word) } else { theirs().or_else(|| Speaker::named(word)) }
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
    /// JSON's `true` or `false`.
    Truth(bool),
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

    /// The accepted name under which the cell of a field came.
    pub(crate) fn name(&self, field: Field, columns: &'static [Column]) -> &'static str {
        let column = columns.iter().find(|column| column.field == field);
        column.map_or("", |column| column.names[self.ranks[field as usize]])
    }

    /// The cell of a field.
    pub(crate) fn get(&self, field: Field) -> &Cell<'row> {
        &self.cells[field as usize]
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
