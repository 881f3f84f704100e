//! Conversations with a list of messages of which each names its speaker: Tidio's, and those of whoever writes them the
//! same way, such as chat logs of language models.
//!
//! Tidio's fields: <https://developers.tidio.com/reference> (conversations and their messages); the names that other
//! programs give the same fields are accepted beside them.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Body, Conversation, Listed, Message, Text};
use crate::speakers::Speaker;

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'text> {
    #[serde(borrow, default, alias = "conversation_id", alias = "uuid", alias = "thread_id", alias = "chat_id")]
    id: Text<'text>,
    #[serde(borrow, default, alias = "title")]
    subject: Text<'text>,
    #[serde(borrow, default, alias = "transcript", alias = "turns")]
    messages: Listed<Said<'text>>,
    #[serde(borrow, default, alias = "visitor", alias = "customer", alias = "user")]
    contact: Option<Person<'text>>,
    #[serde(borrow, default, alias = "agent", alias = "assignee")]
    operator: Option<Person<'text>>,
    #[serde(borrow, default)]
    operators: Listed<Person<'text>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Person<'text> {
    Named(#[serde(borrow)] Named<'text>),
    /// An id, or a name.
    Other(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
struct Named<'text> {
    #[serde(borrow, default, alias = "full_name", alias = "display_name")]
    name: Text<'text>,
    #[serde(borrow, default)]
    first_name: Text<'text>,
    #[serde(borrow, default)]
    last_name: Text<'text>,
    #[serde(borrow, default, rename = "type", alias = "role")]
    kind: Text<'text>,
}

impl<'text> Person<'text> {
    fn names(&self) -> impl Iterator<Item = Cow<'text, str>> + use<'text> {
        let names = match self {
            Self::Named(person) => [person.name.clone(), person.first_name.clone(), person.last_name.clone()],
            Self::Other(_) => Default::default(),
        };
        names.into_iter().filter_map(Text::filled)
    }

    /// The word that says who it is.
    fn word(&self) -> Option<&str> {
        match self {
            Self::Named(person) => person.kind.0.as_deref(),
            Self::Other(word) => word.0.as_deref(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    #[serde(borrow, default, alias = "message_content", alias = "content", alias = "text", alias = "body")]
    message: Spoken<'text>,
    #[serde(borrow, default, alias = "role", alias = "sender_type", alias = "from_type")]
    author_type: Text<'text>,
    #[serde(borrow, default, alias = "sender", alias = "from")]
    author: Option<Person<'text>>,
    #[serde(borrow, default, rename = "type", alias = "message_type")]
    kind: Text<'text>,
    #[serde(default, alias = "is_private", alias = "is_note", alias = "internal", alias = "is_internal")]
    private: Option<bool>,
    #[serde(default, alias = "is_deleted")]
    deleted: Option<bool>,
}

/// What was said: a text, or an object that holds it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Spoken<'text> {
    Inside(#[serde(borrow)] Inside<'text>),
    Plain(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
struct Inside<'text> {
    #[serde(borrow, alias = "message", alias = "content", alias = "body")]
    text: Text<'text>,
}

impl Default for Spoken<'_> {
    fn default() -> Self {
        Self::Plain(Text::default())
    }
}

pub(super) fn conversation<'text>(thread: Thread<'text>) -> Conversation<'text> {
    let people = thread.contact.iter().chain(&thread.operator).chain(&thread.operators.0);
    let authors = thread.messages.0.iter().filter_map(|said| said.author.as_ref());
    let names = people.chain(authors).flat_map(Person::names).collect();
    Conversation {
        id: thread.id.0.map(Cow::into_owned),
        subject: thread.subject.filled(),
        messages: thread.messages.0.into_iter().map(message).collect(),
        names,
    }
}

fn message(said: Said<'_>) -> Message<'_> {
    let words = [said.author_type.0.as_deref(), said.author.as_ref().and_then(Person::word), said.kind.0.as_deref()];
    let word = |word: &str| words.iter().flatten().any(|known| known.eq_ignore_ascii_case(word));
    let is_aside = [
        "internal",
        "note",
        "internal_note",
        "private_note",
        "system",
        "event",
        "bot",
        "chatbot",
        "lyro",
        "automation",
        "flow",
        "tool",
    ]
    .into_iter()
    .any(word);
    let by = words.into_iter().flatten().find_map(Speaker::named).and_then(Speaker::role);
    let text = match said.message {
        Spoken::Plain(text) | Spoken::Inside(Inside { text }) => text.filled(),
    };
    match (by, text) {
        (Some(by), Some(text)) if !is_aside && said.private != Some(true) && said.deleted != Some(true) => {
            Message::Said { by, body: Body::Plain(text) }
        }
        _ => Message::LeftOut,
    }
}
