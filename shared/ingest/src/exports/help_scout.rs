//! Help Scout: conversations with their threads, newest first.
//!
//! Fields: <https://developer.helpscout.com/mailbox-api/endpoints/conversations/list/> (with `embed=threads`) and
//! `…/threads/list/`.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(borrow, default, rename = "primaryCustomer")]
    primary_customer: Option<Person<'text>>,
    #[serde(borrow, default)]
    customer: Option<Person<'text>>,
    #[serde(borrow, default, rename = "_embedded")]
    embedded: Option<Embedded<'text>>,
    #[serde(borrow, default)]
    threads: Listed<Part<'text>>,
}

#[derive(Debug, Default, Deserialize)]
struct Embedded<'text> {
    #[serde(borrow, default)]
    threads: Listed<Part<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    first: Text<'text>,
    #[serde(borrow, default)]
    last: Text<'text>,
    #[serde(borrow, default, rename = "firstName")]
    first_name: Text<'text>,
    #[serde(borrow, default, rename = "lastName")]
    last_name: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Part<'text> {
    /// Sort of the thread: who speaks, or a note, or an event.
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    /// `published`, `draft`, `hidden` or `review`.
    #[serde(borrow, default)]
    state: Text<'text>,
    #[serde(borrow, default)]
    body: Text<'text>,
    #[serde(borrow, default, rename = "createdBy")]
    author: Option<Person<'text>>,
    #[serde(borrow, default, rename = "createdAt")]
    created_at: Text<'text>,
}

pub(super) fn conversation(thread: Thread<'_>) -> Conversation<'_> {
    let mut parts = thread.embedded.unwrap_or_default().threads.0;
    parts.extend(thread.threads.0);
    sort_by_time(&mut parts, |part| part.created_at.milliseconds());
    let people = thread
        .primary_customer
        .iter()
        .chain(&thread.customer)
        .chain(parts.iter().filter_map(|part| part.author.as_ref()));
    let names = people
        .flat_map(|person| [&person.first, &person.last, &person.first_name, &person.last_name])
        .filter_map(|name| name.clone().filled());
    Conversation {
        id: thread.id.0.map(Cow::into_owned),
        subject: thread.subject.filled(),
        names: names.collect(),
        messages: parts.into_iter().map(message).collect(),
    }
}

fn message(part: Part<'_>) -> Message<'_> {
    let author = part.author.as_ref().and_then(|author| author.kind.0.as_deref());
    let by = match (part.kind.0.as_deref(), author) {
        (Some("customer"), _) => Role::Customer,
        (Some("message" | "reply"), _) => Role::Agent,
        (Some("chat" | "beaconchat" | "phone"), Some("customer")) => Role::Customer,
        (Some("chat" | "beaconchat"), Some("user")) => Role::Agent,
        _ => return Message::LeftOut,
    };
    let is_published = part.state.0.as_deref().is_none_or(|state| state == "published");
    match part.body.filled() {
        Some(body) if is_published => Message::Said { by, body: Body::Html(body) },
        _ => Message::LeftOut,
    }
}
