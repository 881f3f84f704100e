//! Chatwoot: conversations with their messages, and the messages of a single one.
//!
//! Fields: <https://developers.chatwoot.com/api-reference/conversations/conversations-list> and `…/messages/get-messages`.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
    #[serde(borrow, default)]
    meta: Option<Meta<'text>>,
}

/// What is sent with the messages of one conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'text> {
    #[serde(borrow, default)]
    payload: Listed<Said<'text>>,
    #[serde(borrow, default)]
    meta: Option<Meta<'text>>,
}

#[derive(Debug, Deserialize)]
struct Meta<'text> {
    #[serde(borrow, default)]
    sender: Option<Person<'text>>,
    #[serde(borrow, default)]
    contact: Option<Contact<'text>>,
    #[serde(borrow, default)]
    assignee: Option<Person<'text>>,
}

#[derive(Debug, Deserialize)]
struct Contact<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default)]
    payload: Listed<Person<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default)]
    available_name: Text<'text>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'text, str>>,
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    #[serde(borrow, default)]
    conversation_id: Text<'text>,
    #[serde(borrow, default)]
    content: Text<'text>,
    #[serde(borrow, default)]
    content_type: Option<Cow<'text, str>>,
    /// A number, or its name: 0 incoming, 1 outgoing, 2 activity, 3 template.
    #[serde(borrow, default)]
    message_type: Text<'text>,
    #[serde(default)]
    private: Truth,
    #[serde(borrow, default)]
    sender: Option<Person<'text>>,
    /// Seconds, or a time in words.
    #[serde(borrow, default)]
    created_at: Text<'text>,
    #[serde(default)]
    content_attributes: Option<Attributes>,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    #[serde(default)]
    deleted: Truth,
    #[serde(default)]
    email: Option<Email>,
}

#[derive(Debug, Deserialize)]
struct Email {
    #[serde(default)]
    auto_reply: Truth,
}

impl Attributes {
    /// Whether it was taken back, or a mailbox wrote it by itself.
    fn is_void(&self) -> bool {
        self.deleted.is_true() || self.email.as_ref().is_some_and(|email| email.auto_reply.is_true())
    }
}

pub(super) fn conversation<'text>(thread: Thread<'text>) -> Conversation<'text> {
    let id = thread.id.0.map(Cow::into_owned);
    put_together(id, thread.messages.0, thread.meta)
}

pub(super) fn messages<'text>(page: Page<'text>) -> Conversation<'text> {
    let id = page.payload.0.iter().find_map(|said| said.conversation_id.0.as_deref().map(str::to_owned));
    put_together(id, page.payload.0, page.meta)
}

fn put_together<'text>(
    id: Option<String>,
    mut said: Vec<Said<'text>>,
    meta: Option<Meta<'text>>,
) -> Conversation<'text> {
    // Lists come in either direction.
    sort_by_time(&mut said, |said| said.created_at.milliseconds());
    let people = meta.into_iter().flat_map(|meta| {
        let contact = meta.contact.into_iter().flat_map(|contact| {
            let named = Person { name: contact.name, available_name: Text::default(), kind: None };
            std::iter::once(named).chain(contact.payload.0)
        });
        meta.sender.into_iter().chain(meta.assignee).chain(contact)
    });
    let mut names: Vec<_> =
        people.flat_map(|person| [person.name, person.available_name]).filter_map(Text::filled).collect();
    names.extend(said.iter().filter_map(|said| said.sender.as_ref()?.name.clone().filled()));
    Conversation { id, subject: None, messages: said.into_iter().map(message).collect(), names }
}

fn message(said: Said<'_>) -> Message<'_> {
    let by = match said.message_type.0.as_deref() {
        Some("0" | "incoming") => Role::Customer,
        Some("1" | "outgoing") => Role::Agent,
        _ => return Message::LeftOut,
    };
    let by_program = said.sender.as_ref().is_some_and(|sender| {
        sender.kind.as_deref().is_some_and(|kind| matches!(kind, "agent_bot" | "captain_assistant"))
    });
    let is_void = said.content_attributes.is_some_and(|attributes| attributes.is_void());
    let is_text = said.content_type.as_deref().is_none_or(|kind| matches!(kind, "text" | "incoming_email"));
    match said.content.filled() {
        Some(content) if is_text && !is_void && !by_program && !said.private.is_true() => {
            Message::Said { by, body: Body::Plain(content) }
        }
        _ => Message::LeftOut,
    }
}
