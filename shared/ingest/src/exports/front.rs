//! Front: conversations with their messages.
//!
//! Fields: <https://dev.frontapp.com/reference/list-conversation-messages>. Comments are among colleagues and lie in a list
//! of their own.

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
    subject: Text<'text>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    #[serde(default)]
    is_inbound: Truth,
    #[serde(default)]
    is_draft: Truth,
    #[serde(borrow, default)]
    body: Text<'text>,
    #[serde(borrow, default)]
    text: Text<'text>,
    #[serde(borrow, default)]
    author: Option<Person<'text>>,
    #[serde(borrow, default)]
    recipients: Listed<Person<'text>>,
    #[serde(borrow, default)]
    created_at: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default)]
    first_name: Text<'text>,
    #[serde(borrow, default)]
    last_name: Text<'text>,
}

pub(super) fn conversation(thread: Thread<'_>) -> Conversation<'_> {
    let mut said = thread.messages.0;
    sort_by_time(&mut said, |said| said.created_at.milliseconds());
    let people = said.iter().flat_map(|said| said.author.iter().chain(&said.recipients.0));
    let names = people.flat_map(|person| [&person.name, &person.first_name, &person.last_name]);
    Conversation {
        id: thread.id.0.map(Cow::into_owned),
        subject: thread.subject.filled(),
        names: names.filter_map(|name| name.clone().filled()).collect(),
        messages: said.into_iter().map(message).collect(),
    }
}

fn message(said: Said<'_>) -> Message<'_> {
    let by = match (said.is_inbound.is_true(), said.is_inbound.is_false()) {
        (true, _) => Role::Customer,
        (_, true) => Role::Agent,
        _ => return Message::LeftOut,
    };
    let body = said.body.filled().map(Body::Html).or_else(|| said.text.filled().map(Body::Plain));
    body.filter(|_| !said.is_draft.is_true()).map_or(Message::LeftOut, |body| Message::Said { by, body })
}
