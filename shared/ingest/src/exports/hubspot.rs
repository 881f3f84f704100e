//! HubSpot: messages of conversations, of which each object is one.
//!
//! Fields: <https://developers.hubspot.com/docs/api-reference/conversations-conversations-inbox-&-messages-v3/guide>.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text};
use super::{Body, Conversation, Message};
use crate::record::Role;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said<'text> {
    #[serde(borrow, default)]
    conversations_thread_id: Text<'text>,
    /// `MESSAGE`, or a comment among colleagues, a greeting, a change of the thread.
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    direction: Text<'text>,
    #[serde(borrow, default)]
    text: Text<'text>,
    #[serde(borrow, default)]
    rich_text: Text<'text>,
    #[serde(borrow, default)]
    created_by: Text<'text>,
    #[serde(borrow, default)]
    created_at: Text<'text>,
    #[serde(borrow, default)]
    senders: Listed<Person<'text>>,
    #[serde(borrow, default)]
    recipients: Listed<Person<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
}

/// Letters before the ids of bots and of the system.
const PROGRAMS: &[&str] = &["B-", "S-", "I-", "L-"];

/// The message as a conversation of one, and when it was sent.
pub(super) fn message(said: Said<'_>) -> (Conversation<'_>, Option<i64>) {
    let by = match said.direction.0.as_deref() {
        Some("INCOMING") => Some(Role::Customer),
        Some("OUTGOING") => Some(Role::Agent),
        _ => None,
    };
    let author = said.created_by.0.as_deref().unwrap_or_default();
    let is_said = said.kind.0.as_deref().is_none_or(|kind| kind == "MESSAGE")
        && !PROGRAMS.iter().any(|letter| author.starts_with(letter));
    let at = said.created_at.milliseconds();
    let body = said.rich_text.filled().map(Body::Html).or_else(|| said.text.filled().map(Body::Plain));
    let message = match (by, body) {
        (Some(by), Some(body)) if is_said => Message::Said { by, body },
        _ => Message::LeftOut,
    };
    let people = said.senders.0.into_iter().chain(said.recipients.0);
    let conversation = Conversation {
        id: said.conversations_thread_id.0.map(Cow::into_owned),
        names: people.filter_map(|person| person.name.filled()).collect(),
        messages: vec![message],
        subject: None,
    };
    (conversation, at)
}
