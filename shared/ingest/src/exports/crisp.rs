//! Crisp: conversations with their messages.
//!
//! Fields: <https://docs.crisp.chat/references/rest-api/v1/#get-messages-in-conversation>.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'text> {
    #[serde(borrow, default)]
    session_id: Text<'text>,
    #[serde(borrow, default)]
    meta: Option<Person<'text>>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    nickname: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    /// `text`, or a note, a file, an event.
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    from: Text<'text>,
    #[serde(borrow, default)]
    content: Text<'text>,
    #[serde(default)]
    automated: Truth,
    #[serde(borrow, default)]
    timestamp: Text<'text>,
    #[serde(borrow, default)]
    user: Option<Person<'text>>,
}

pub(super) fn conversation(thread: Thread<'_>) -> Conversation<'_> {
    let mut said = thread.messages.0;
    sort_by_time(&mut said, |said| said.timestamp.milliseconds());
    let people = thread.meta.iter().chain(said.iter().filter_map(|said| said.user.as_ref()));
    Conversation {
        id: thread.session_id.0.map(Cow::into_owned),
        names: people.filter_map(|person| person.nickname.clone().filled()).collect(),
        messages: said.into_iter().map(message).collect(),
        ..Conversation::default()
    }
}

fn message(said: Said<'_>) -> Message<'_> {
    let by = match said.from.0.as_deref() {
        Some("user") => Role::Customer,
        Some("operator") => Role::Agent,
        _ => return Message::LeftOut,
    };
    let is_text = said.kind.0.as_deref().is_none_or(|kind| kind == "text");
    match said.content.filled() {
        Some(content) if is_text && !said.automated.is_true() => Message::Said { by, body: Body::Plain(content) },
        _ => Message::LeftOut,
    }
}
