//! What help desks export, read as the conversations that it holds.
//!
//! Each help desk has an adapter: it knows where an export keeps who spoke, what was said and what nobody outside the team
//! was meant to read, and says it in the words of this module. Everything after that is the same for all: markup, quotes
//! and signatures are taken off, and the names of those who took part are handed to redaction with the turns.
//!
//! What is never learnt from: private notes, what was redacted or deleted, and what programs said by themselves.

mod chatwoot;
mod crisp;
mod freshdesk;
mod front;
mod gorgias;
mod help_scout;
mod hubspot;
mod intercom;
mod telegram;
mod transcript;
mod values;
mod zendesk;

pub(crate) use values::{Listed, Text, Truth};

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::errors::{RowCode, RowError};
use crate::json_cells::not_as_exported;
use crate::limits::Limits;
use crate::moments::Moment;
use crate::record::{Record, Role};
use crate::redaction::Names;
use crate::{engines, html, interpret, quotes, threads};

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
    /// Tickets of Freshdesk with their conversations.
    Freshdesk,
    /// Conversations of Help Scout with their threads.
    HelpScout,
    /// Conversations of Front with their messages.
    Front,
    /// Tickets of Gorgias with their messages.
    Gorgias,
    /// Messages of HubSpot's conversations.
    Hubspot,
    /// Conversations of Crisp with their messages.
    Crisp,
    /// Chats of Telegram.
    Telegram,
    /// Training data of Rasa.
    Rasa,
    /// Intents of Dialogflow ES or CX.
    Dialogflow,
    /// Intents of Amazon Lex.
    Lex,
    /// A workspace of Watson Assistant.
    Watson,
    /// Intents of Botpress.
    Botpress,
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
            Self::Freshdesk => "freshdesk",
            Self::HelpScout => "help_scout",
            Self::Front => "front",
            Self::Gorgias => "gorgias",
            Self::Hubspot => "hubspot",
            Self::Crisp => "crisp",
            Self::Telegram => "telegram",
            Self::Rasa => "rasa",
            Self::Dialogflow => "dialogflow",
            Self::Lex => "lex",
            Self::Watson => "watson",
            Self::Botpress => "botpress",
            Self::Transcripts => "transcripts",
        }
    }

    /// The engine whose intent an object is, by its keys; `None` where it is a row of cells.
    pub(crate) fn of_intent(object: &str) -> Option<Self> {
        let keys = serde_json::from_str::<Keys>(object).ok()?.0;
        engines::engine_of(|key| keys.iter().any(|known| known == key))
    }

    /// Returns true if each object is an intent with its examples.
    fn is_of_intents(self) -> bool {
        matches!(self, Self::Rasa | Self::Dialogflow | Self::Lex | Self::Watson | Self::Botpress)
    }

    /// Returns true if each object is one message.
    pub(crate) fn is_of_messages(self) -> bool {
        self == Self::Hubspot
    }

    /// Whose export an object is, by its keys; `None` where it is a row of cells.
    pub(crate) fn recognise(object: &str) -> Option<Self> {
        let keys = serde_json::from_str::<Keys>(object).ok()?.0;
        let has = |key: &str| keys.iter().any(|known| known == key);
        match () {
            () if has("helpdesk_ticket") || has("description_text") || has("requester_id") && has("conversations") => {
                Some(Self::Freshdesk)
            }
            () if has("_embedded") && (has("mailboxId") || has("primaryCustomer") || has("threads"))
                || has("threads") && (has("mailbox") || has("customer")) =>
            {
                Some(Self::HelpScout)
            }
            () if has("conversationsThreadId") => Some(Self::Hubspot),
            () if has("messages") && object.contains("\"from_agent\"") => Some(Self::Gorgias),
            () if has("messages") && has("website_id") => Some(Self::Crisp),
            () if has("messages") && has("type") && object.contains("\"from_id\"") => Some(Self::Telegram),
            () if has("messages") && object.contains("\"is_inbound\"") => Some(Self::Front),
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
    /// Somebody said something, and nothing tells who.
    Unknown,
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

/// Puts what has a time in the order of the times, where all of it has one.
fn sort_by_time<T>(all: &mut [T], at: impl Fn(&T) -> Option<i64>) {
    if all.iter().all(|one| at(one).is_some()) {
        all.sort_by_cached_key(at);
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
    if adapter.is_of_intents() {
        return intent(row, object, limits);
    }
    let conversation = match adapter {
        Adapter::ZendeskTickets => serde_json::from_str(object).map(|ticket| zendesk::ticket(ticket, people)),
        Adapter::ZendeskComments => serde_json::from_str(object).map(zendesk::comments),
        Adapter::Intercom => serde_json::from_str(object).map(intercom::conversation),
        Adapter::ChatwootConversations => serde_json::from_str(object).map(chatwoot::conversation),
        Adapter::ChatwootMessages => serde_json::from_str(object).map(chatwoot::messages),
        Adapter::Freshdesk => serde_json::from_str(object).map(freshdesk::ticket),
        Adapter::HelpScout => serde_json::from_str(object).map(help_scout::conversation),
        Adapter::Front => serde_json::from_str(object).map(front::conversation),
        Adapter::Gorgias => serde_json::from_str(object).map(gorgias::ticket),
        Adapter::Hubspot => serde_json::from_str(object).map(|said| hubspot::message(said).0),
        Adapter::Crisp => serde_json::from_str(object).map(crisp::conversation),
        Adapter::Telegram => serde_json::from_str(object).map(telegram::chat),
        Adapter::Rasa
        | Adapter::Dialogflow
        | Adapter::Lex
        | Adapter::Watson
        | Adapter::Botpress
        | Adapter::Transcripts => serde_json::from_str(object).map(transcript::conversation),
    };
    let conversation = conversation.map_err(|error| not_as_exported(row, &error))?;
    let heard = turns(row, &conversation, limits);
    if heard.turns.is_empty() && conversation.messages.iter().any(|message| matches!(message, Message::Unknown)) {
        return Err(RowError::of_cell(row, "role", RowCode::UnknownRole, interpret::unknown_role()));
    }
    Ok(heard)
}

/// Reads an intent of another engine as the utterances that it was taught with.
fn intent(row: u64, object: &str, limits: &Limits) -> Result<Heard, RowError> {
    let (label, texts) = engines::examples(row, object)?;
    // Once, not for each of its examples.
    let label = interpret::label(row, label.as_deref())?;
    let turns: VecDeque<_> =
        texts.iter().map(|text| interpret::utterance(row, text, label.as_deref(), limits)).collect();
    Ok(Heard { messages: turns.len() as u64, turns, ..Heard::default() })
}

/// Reads one object of an export of which each is a message.
pub(crate) fn hear_message(row: u64, object: &str, limits: &Limits) -> Result<interpret::Row, RowError> {
    let said = serde_json::from_str(object).map_err(|error| not_as_exported(row, &error))?;
    let (conversation, at) = hubspot::message(said);
    let turn = turns(row, &conversation, limits).turns.pop_front();
    let Some(record) = turn.transpose()? else { return Ok(interpret::Row::LeftOut) };
    let names = conversation.names.into_iter().map(Cow::into_owned).collect();
    Ok(interpret::Row::Message(threads::Message { record, at: at.map_or_else(Moment::default, Moment::at), names }))
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

#[cfg(test)]
mod tests;
