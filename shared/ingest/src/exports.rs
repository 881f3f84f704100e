//! What help desks export, read as the conversations that it holds.
//!
//! Each help desk has an adapter: it knows where an export keeps who spoke, what was said and what nobody outside the team
//! was meant to read, and says it in the words of this module. Everything after that is the same for all: markup, quotes
//! and signatures are taken off, and the names of those who took part are handed to redaction with the turns.
//!
//! What is never learnt from: private notes, what was redacted or deleted, and what programs said by themselves.

mod chatwoot;
mod intercom;
mod transcript;
mod zendesk;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::errors::RowError;
use crate::json_cells::not_an_object;
use crate::limits::Limits;
use crate::record::{Record, Role};
use crate::redaction::Names;
use crate::{html, interpret, quotes};

/// People that are remembered of one file.
const MOST_PEOPLE: usize = 100_000;

/// A help desk whose exports are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// Tickets with their comments, or without.
    ZendeskTickets,
    /// The comments of one ticket.
    ZendeskComments,
    /// Conversations with their parts.
    Intercom,
    /// Conversations with their messages.
    ChatwootConversations,
    /// The messages of one conversation.
    ChatwootMessages,
    /// Conversations with a list of messages that name their speaker, as Tidio and many others write them.
    Transcripts,
}

impl Adapter {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ZendeskTickets => "zendesk_tickets",
            Self::ZendeskComments => "zendesk_comments",
            Self::Intercom => "intercom",
            Self::ChatwootConversations => "chatwoot_conversations",
            Self::ChatwootMessages => "chatwoot_messages",
            Self::Transcripts => "transcripts",
        }
    }

    /// Whose export an object is, by its keys; `None` where it is a row of cells.
    pub(crate) fn recognise(object: &str) -> Option<Self> {
        let keys = serde_json::from_str::<Keys>(object).ok()?.0;
        let has = |key: &str| keys.iter().any(|known| known == key);
        match () {
            () if has("requester_id") || has("requester") && (has("subject") || has("description")) => {
                Some(Self::ZendeskTickets)
            }
            () if has("conversation_parts") || has("source") && has("contacts") => Some(Self::Intercom),
            () if has("comments") && (has("users") || has("count") || has("next_page")) => Some(Self::ZendeskComments),
            () if has("payload") && has("meta") => Some(Self::ChatwootMessages),
            () if has("inbox_id") && (has("messages") || has("last_non_activity_message")) => {
                Some(Self::ChatwootConversations)
            }
            () if has("messages") || has("transcript") || has("turns") => Some(Self::Transcripts),
            () => None,
        }
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A conversation, in the words of no help desk.
#[derive(Debug, Default)]
struct Conversation<'text> {
    /// `None` where the export does not name it: its row does then.
    id: Option<String>,
    /// What it is about, where the first message says nothing.
    subject: Option<Cow<'text, str>>,
    messages: Vec<Message<'text>>,
    /// Those who took part.
    names: Vec<Cow<'text, str>>,
}

/// A message.
#[derive(Debug)]
enum Message<'text> {
    /// Somebody said something to somebody.
    Said { by: Role, body: Body<'text> },
    /// Not to be learnt from: a note, an event, what a program said, or what was taken back.
    LeftOut,
}

/// What a message holds.
#[derive(Debug)]
enum Body<'text> {
    Plain(Cow<'text, str>),
    Html(Cow<'text, str>),
}

impl Body<'_> {
    /// What was written, without markup, quotes and signature.
    fn written(&self) -> String {
        match self {
            Self::Html(html) => quotes::written(&html::text(html)),
            Self::Plain(text) if html::is_html(text) => quotes::written(&html::text(text)),
            Self::Plain(text) => quotes::written(text),
        }
    }
}

/// People whom a file names by an id.
#[derive(Debug, Default)]
pub(crate) struct People(HashMap<String, Person>);

#[derive(Debug)]
struct Person {
    name: Option<String>,
    role: Option<Role>,
}

impl People {
    /// Remembers somebody.
    pub(crate) fn meet(&mut self, object: &str) {
        let Ok(user) = serde_json::from_str::<zendesk::User<'_>>(object) else { return };
        let person = Person { role: user.role(), name: user.name.map(Cow::into_owned) };
        if let Some(id) = user.id.0.filter(|_| self.0.len() < MOST_PEOPLE) {
            self.0.insert(id.into_owned(), person);
        }
    }

    fn name_of(&self, id: &str) -> Option<&str> {
        self.0.get(id)?.name.as_deref()
    }

    fn role_of(&self, id: &str) -> Option<Role> {
        self.0.get(id)?.role
    }
}

/// What came of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Its turns in their order, an agent's with its words as `reply`.
    pub(crate) turns: VecDeque<Result<Record, RowError>>,
    /// Those who took part.
    pub(crate) names: Names,
    /// Its messages.
    pub(crate) messages: u64,
    /// Of them, those not to be learnt from, and those without a word.
    pub(crate) left_out: u64,
}

/// Reads one object of an export.
pub(crate) fn hear(
    adapter: Adapter,
    row: u64,
    object: &str,
    people: &People,
    limits: &Limits,
) -> Result<Heard, RowError> {
    let conversation = match adapter {
        Adapter::ZendeskTickets => serde_json::from_str(object).map(|ticket| zendesk::ticket(ticket, people)),
        Adapter::ZendeskComments => serde_json::from_str(object).map(zendesk::comments),
        Adapter::Intercom => serde_json::from_str(object).map(intercom::conversation),
        Adapter::ChatwootConversations => serde_json::from_str(object).map(chatwoot::conversation),
        Adapter::ChatwootMessages => serde_json::from_str(object).map(chatwoot::messages),
        Adapter::Transcripts => serde_json::from_str(object).map(transcript::conversation),
    };
    let conversation = conversation.map_err(|error| not_an_object(row, &error))?;
    Ok(turns(row, &conversation, limits))
}

fn turns(row: u64, conversation: &Conversation<'_>, limits: &Limits) -> Heard {
    let id = conversation.id.clone().unwrap_or_else(|| format!("row-{row}"));
    let mut heard = Heard {
        names: Names::of(conversation.names.iter().map(AsRef::as_ref)),
        messages: conversation.messages.len() as u64,
        ..Heard::default()
    };
    let mut is_first = true;
    for message in &conversation.messages {
        let Message::Said { by, body } = message else {
            heard.left_out += 1;
            continue;
        };
        let mut written = body.written();
        let subject = conversation.subject.as_deref().filter(|_| is_first && *by == Role::Customer);
        is_first = false;
        if written.is_empty() {
            written = subject.map(str::trim).unwrap_or_default().to_owned();
        }
        if written.is_empty() {
            heard.left_out += 1;
            continue;
        }
        heard.turns.push_back(interpret::turn(row, *by, &written, &id, limits));
    }
    heard
}

/// The keys of an object.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Vec<String>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = object.next_entry::<String, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(keys)
            }
        }
        json.deserialize_map(Names).map(Self)
    }
}

/// A value that should be text and may be anything: numbers are written out, all else is nothing.
#[derive(Debug, Default, Clone)]
struct Text<'text>(Option<Cow<'text, str>>);

impl<'text> Text<'text> {
    fn filled(self) -> Option<Cow<'text, str>> {
        self.0.filter(|text| !text.trim().is_empty())
    }
}

impl<'de: 'text, 'text> Deserialize<'de> for Text<'text> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Option<Cow<'de, str>>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Some(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(None)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
        json.deserialize_any(Anything).map(Self)
    }
}

/// A list that may be absent, `null` or something else, of objects of which some may be broken.
#[derive(Debug)]
struct Listed<T>(Vec<T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<Vec<T>>::deserialize(json)?.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
