//! One row of cells into a record or a message, or into the first thing that is wrong with it.

use std::borrow::Cow;

use crate::errors::{RowCode, RowError};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::moments::Moment;
use crate::record::{Record, Role};
use crate::schema::{ABOUT, Cell, Cells, Field, Schema};
use crate::speakers::{EXAMPLES, Speaker};
use crate::threads::Message;
use crate::{html, quotes, sections};

/// Characters of a label.
const INTENT_CHARS: usize = 100;
/// Characters of the id of a conversation.
const CONVERSATION_CHARS: usize = 200;

/// States of articles that nobody is meant to read yet, or any longer.
const DRAFTS: &[&str] =
    &["draft", "unpublished", "archived", "hidden", "deleted", "entwurf", "brouillon", "borrador", "черновик"];

/// A row, as far as it is learnt from.
#[derive(Debug)]
pub(crate) enum Row {
    Record(Record),
    /// A message of a conversation, an agent's with its words as `reply` and an empty `text`.
    Message(Message),
    /// Not to be learnt from: a note, an event, what a bot said.
    LeftOut,
}

/// Reads a row.
pub(crate) fn row(row: u64, mut cells: Cells<'_>, schema: &Schema, limits: &Limits) -> Result<Row, RowError> {
    let is_message = schema.kind == Kind::Conversations;
    let speaker = if is_message { speaker(row, &mut cells, schema)? } else { None };
    let is_draft =
        || told(cells.get(Field::Sort)).is_some_and(|state| DRAFTS.contains(&state.trim().to_lowercase().as_str()));
    let is_unpublished = !is_message && (told(cells.get(Field::Private)).and_then(truth) == Some(true) || is_draft());
    if speaker == Some(Speaker::Nobody) || is_unpublished {
        return Ok(Row::LeftOut);
    }
    let role = speaker.and_then(Speaker::role);
    let mut record =
        Record { row, text: String::new(), intent: None, reply: None, conversation: None, role, before: Vec::new() };
    let at = Moment::of(told(cells.get(Field::At)), told(cells.get(Field::Time)));
    // Where the role is a name, it is personal.
    let named = told(cells.get(Field::Role)).filter(|word| schema.speaker(word).is_none());
    let mut names: Vec<String> = named.filter(|_| is_message).map(str::to_owned).into_iter().collect();
    for column in schema.columns {
        let (cell, name) = cells.take(column);
        if let Field::AuthorName | Field::CustomerName | Field::AgentName = column.field {
            names.extend(told(&cell).map(str::to_owned));
        }
        if ABOUT.contains(&column.field) {
            continue;
        }
        let content = match cell {
            Cell::Text(content) => content,
            Cell::Absent if column.required => return Err(RowError::missing_cell(row, column)),
            Cell::Absent => continue,
            Cell::NotUtf8(byte) => return Err(not_utf8(row, name, byte)),
            Cell::Truth(_) | Cell::NotText => return Err(wrong_type(row, name)),
        };
        let wrong = |(code, why): Wrong| RowError::of_cell(row, name, code, why);
        // Turns are mostly e-mails; what they quote belongs to somebody else's turn.
        let content = match column.field {
            Field::Text if record.role.is_some() => Cow::Owned(written(&content).map_err(wrong)?),
            Field::Text | Field::Reply if schema.kind != Kind::Knowledge && html::is_html(&content) => {
                Cow::Owned(html::page_text(&content))
            }
            _ => content,
        };
        match column.field {
            Field::Text if record.role == Some(Role::Agent) => {
                let content = beginning(&content, limits.reply_chars);
                record.reply = Some(reply(content, limits.reply_chars).map_err(wrong)?);
            }
            Field::Text if record.role.is_some() => {
                record.text = text(beginning(&content, limits.text_chars), limits.text_chars).map_err(wrong)?;
            }
            Field::Text => record.text = text(&content, limits.text_chars).map_err(wrong)?,
            // It is cut into passages before it is measured.
            Field::Reply if schema.kind == Kind::Knowledge => {
                record.reply = Some(reply(&content, usize::MAX).map_err(wrong)?);
            }
            Field::Reply => record.reply = Some(reply(&content, limits.reply_chars).map_err(wrong)?),
            Field::Intent => record.intent = intent(&content).map_err(wrong)?,
            Field::Conversation => record.conversation = Some(conversation(&content).map_err(wrong)?),
            _ => {}
        }
    }
    Ok(if is_message { Row::Message(Message { record, at, names }) } else { Row::Record(record) })
}

/// The speaker of a message: a note or an event is nobody's, a direction leads, for help desks call agents users, too.
fn speaker(row: u64, cells: &mut Cells<'_>, schema: &Schema) -> Result<Option<Speaker>, RowError> {
    let is = |field| told(cells.get(field)).and_then(truth);
    if is(Field::Private) == Some(true) || is(Field::Automated) == Some(true) || is(Field::Public) == Some(false) {
        return Ok(Some(Speaker::Nobody));
    }
    let sort = told(cells.get(Field::Sort));
    let by_role = told(cells.get(Field::Role)).and_then(|word| schema.speaker(word));
    let by_sort = sort.and_then(|sort| Speaker::of_sort(cells.name(Field::Sort, schema.columns), sort));
    let is_note = by_sort == Some(Speaker::Nobody) || by_role == Some(Speaker::Nobody);
    let by = if is_note { Some(Speaker::Nobody) } else { by_sort.or(by_role) };
    if let Some(by) = by.or_else(|| sort.and_then(|word| schema.speaker(word))) {
        return Ok(Some(by));
    }
    let Some(column) = schema.columns.iter().find(|column| column.field == Field::Role) else { return Ok(None) };
    let (cell, name) = cells.take(column);
    Err(match cell {
        Cell::Text(_) => RowError::of_cell(row, name, RowCode::UnknownRole, unknown_role()),
        Cell::Absent => RowError::missing_cell(row, column),
        Cell::NotUtf8(byte) => not_utf8(row, name, byte),
        Cell::Truth(_) | Cell::NotText => wrong_type(row, name),
    })
}

/// The words of a cell that holds some.
fn told<'cell>(cell: &'cell Cell<'_>) -> Option<&'cell str> {
    match cell {
        Cell::Text(text) if !text.trim().is_empty() => Some(text),
        Cell::Truth(true) => Some("true"),
        Cell::Truth(false) => Some("false"),
        _ => None,
    }
}

/// A truth value, as programs and spreadsheets write it.
pub(crate) fn truth(word: &str) -> Option<bool> {
    match word.trim().to_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "x" | "ja" | "wahr" | "oui" | "vrai" | "sí" | "si" | "sim" | "tak"
        | "да" | "истина" | "так" | "evet" | "private" | "internal" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "nein" | "falsch" | "non" | "faux" | "não" | "nee" | "nie" | "нет"
        | "ложь" | "ні" | "hayır" | "public" => Some(false),
        _ => None,
    }
}

/// A turn without its markup, quotes and signature.
fn written(content: &str) -> Result<String, Wrong> {
    let written = if html::is_html(content) { quotes::written(&html::text(content)) } else { quotes::written(content) };
    if written.is_empty() && !content.trim_matches(is_gap).is_empty() {
        let why = "the cell holds nothing but what the message quotes; nothing of it can be learnt";
        return Err((RowCode::EmptyText, why.into()));
    }
    Ok(written)
}

/// A turn of a conversation that an adapter read; an agent's comes back as from [`row`].
pub(crate) fn turn(row: u64, by: Role, words: &str, id: &str, limits: &Limits) -> Result<Record, RowError> {
    let wrong = |(code, why): Wrong| RowError::of_cell(row, "body", code, why);
    let (said, answered) = match by {
        Role::Customer => (text(beginning(words, limits.text_chars), limits.text_chars).map_err(wrong)?, None),
        Role::Agent => {
            let words = beginning(words, limits.reply_chars);
            (String::new(), Some(reply(words, limits.reply_chars).map_err(wrong)?))
        }
    };
    let conversation = Some(conversation(id).map_err(wrong)?);
    Ok(Record { row, text: said, intent: None, reply: answered, conversation, role: Some(by), before: Vec::new() })
}

/// The beginning of a message, as far as it is learnt from: in a long e-mail the matter stands at the top.
fn beginning(words: &str, chars: usize) -> &str {
    let words = words.trim_matches(is_gap);
    words.char_indices().nth(chars).map_or(words, |(end, _)| &words[..end])
}

/// The passages of an article, each a record with the headings above it.
pub(crate) fn passages(mut article: Record, limits: &Limits) -> Vec<Result<Record, RowError>> {
    // Taken out: a copy for every passage would cost the square of a long article.
    let body = article.reply.take().unwrap_or_default();
    let title = std::mem::take(&mut article.text);
    let passage = |section: sections::Section| {
        let wrong = |(code, why): Wrong| RowError::of_cell(article.row, "body", code, why);
        let reply = reply(&section.body, limits.reply_chars).map_err(wrong)?;
        Ok(Record { text: tidy(&section.title), reply: Some(reply), ..article.clone() })
    };
    sections::of_article(&title, &body).into_iter().map(passage).collect()
}

/// A label that an adapter read.
pub(crate) fn label(row: u64, label: Option<&str>) -> Result<Option<String>, RowError> {
    label.map_or(Ok(None), intent).map_err(|(code, why)| RowError::of_cell(row, "intent", code, why))
}

/// An utterance that an adapter read, with its label.
pub(crate) fn utterance(row: u64, words: &str, label: Option<&str>, limits: &Limits) -> Result<Record, RowError> {
    let text = text(words, limits.text_chars).map_err(|(code, why)| RowError::of_cell(row, "text", code, why))?;
    Ok(Record {
        row,
        text,
        intent: label.map(str::to_owned),
        reply: None,
        conversation: None,
        role: None,
        before: Vec::new(),
    })
}

/// What is wrong with a cell.
type Wrong = (RowCode, Cow<'static, str>);

fn not_utf8(row: u64, name: &str, byte: usize) -> RowError {
    let why = format!("byte {byte} of the cell is not UTF-8; save the file as UTF-8");
    RowError::of_cell(row, name, RowCode::NotUtf8, why)
}

fn wrong_type(row: u64, name: &str) -> RowError {
    let why = "the value is neither text nor a number; write it as a string";
    RowError::of_cell(row, name, RowCode::WrongType, why)
}

fn text(content: &str, limit: usize) -> Result<String, Wrong> {
    let tidy = tidy(content);
    filled(&tidy, limit)?;
    Ok(tidy)
}

fn reply(content: &str, limit: usize) -> Result<String, Wrong> {
    let trimmed = content.trim_matches(is_gap);
    filled(trimmed, limit)?;
    Ok(trimmed.to_owned())
}

fn filled(text: &str, limit: usize) -> Result<(), Wrong> {
    if text.is_empty() {
        let why = "the cell is empty; write the text or delete the row";
        return Err((RowCode::EmptyText, why.into()));
    }
    // A byte count is an upper bound of the characters, and free.
    if text.len() <= limit {
        return Ok(());
    }
    let length = text.chars().count();
    if length > limit {
        let why = format!("the text has {length} characters, more than the {limit} allowed; shorten it");
        return Err((RowCode::TextTooLong, why.into()));
    }
    Ok(())
}

fn intent(content: &str) -> Result<Option<String>, Wrong> {
    let label = content.trim_matches(is_gap);
    if label.is_empty() {
        return Ok(None);
    }
    if !is_name(label, INTENT_CHARS) {
        let why = format!("a label has at most {INTENT_CHARS} characters and no line breaks or control characters");
        return Err((RowCode::InvalidIntent, why.into()));
    }
    Ok(Some(label.to_owned()))
}

fn conversation(content: &str) -> Result<String, Wrong> {
    let id = content.trim_matches(is_gap);
    if id.is_empty() || !is_name(id, CONVERSATION_CHARS) {
        let why = format!(
            "the id of a conversation has 1 to {CONVERSATION_CHARS} characters and no line breaks or \
             control characters"
        );
        return Err((RowCode::InvalidConversation, why.into()));
    }
    Ok(id.to_owned())
}

/// The sentence for a role that no word tells.
pub(crate) fn unknown_role() -> String {
    let (customers, agents) = EXAMPLES;
    format!(
        "the role is unknown; write one of {} for a customer and of {} for an agent, or translate the word in the mapping: \
         {{\"roles\": {{\"…\": \"customer\"}}}}",
        customers.join(", "),
        agents.join(", "),
    )
}

fn is_name(name: &str, limit: usize) -> bool {
    name.chars().count() <= limit && !name.chars().any(char::is_control)
}

/// Trims a text and makes one space of every run of white space.
fn tidy(text: &str) -> String {
    if is_tidy_ascii(text.as_bytes()) {
        return text.to_owned();
    }
    let mut tidy = String::with_capacity(text.len());
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}

/// Whether a text is tidy as it stands, as most are. Told without a branch for each character.
fn is_tidy_ascii(text: &[u8]) -> bool {
    let is_printed = text.iter().all(|byte| (b' '..=b'~').contains(byte));
    let is_single_spaced = || text.windows(2).all(|pair| pair != b"  ");
    is_printed && text.first() != Some(&b' ') && text.last() != Some(&b' ') && is_single_spaced()
}

/// White space, and what a person cannot tell from it: control characters, the zero-width space, a stray
/// byte-order mark. The zero-width joiners stay, since they change what is read.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{200B}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_only_looks_filled_is_empty() {
        for content in ["", " \u{A0}\t", "\u{FEFF}\u{200B}", "\0\u{7}"] {
            assert_eq!(text(content, 10).unwrap_err().0, RowCode::EmptyText);
        }
    }

    #[test]
    fn the_limit_of_a_text_counts_characters_and_not_bytes() {
        assert_eq!(text("  ééé  é ", 5).unwrap(), "ééé é");
        assert_eq!(text("éééééé", 5).unwrap_err().0, RowCode::TextTooLong);
    }

    #[test]
    fn a_reply_keeps_its_lines() {
        assert_eq!(reply(" Hello,\n\nyours \r\n", 50).unwrap(), "Hello,\n\nyours");
    }

    #[test]
    fn a_label_is_a_short_line_and_out_of_scope_is_one_too() {
        assert_eq!(intent(" oos ").unwrap().as_deref(), Some("oos"));
        assert_eq!(intent("  ").unwrap(), None);
        assert_eq!(intent(&"é".repeat(100)).unwrap(), Some("é".repeat(100)));
        assert_eq!(intent(&"é".repeat(101)).unwrap_err().0, RowCode::InvalidIntent);
        assert_eq!(intent("refund\nstatus").unwrap_err().0, RowCode::InvalidIntent);
    }

    proptest! {
        #[test]
        fn a_tidy_text_has_single_spaces_and_stays_as_it_is(content in any::<String>()) {
            let once = tidy(&content);
            prop_assert!(!once.contains("  "));
            prop_assert_eq!(once.trim(), &once);
            prop_assert_eq!(tidy(&once), once);
        }

        #[test]
        fn the_short_way_to_tell_a_tidy_text_agrees_with_the_long_one(content in "[ -~\\t\\xA0-\\xFF]{0,8}") {
            let is_tidy = content.split(is_gap).collect::<Vec<_>>().join(" ") == content
                && content.split(is_gap).all(|word| !word.is_empty() || content.is_empty());
            prop_assert_eq!(is_tidy_ascii(content.as_bytes()), is_tidy && content.is_ascii());
        }
    }
}
