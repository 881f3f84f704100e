//! Intercom: conversations, whose first message is their `source` and whose others are their parts.
//!
//! Fields: <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation>.

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
    title: Text<'text>,
    #[serde(borrow, default)]
    source: Option<Part<'text>>,
    #[serde(borrow, default)]
    conversation_parts: Option<Parts<'text>>,
}

#[derive(Debug, Deserialize)]
struct Parts<'text> {
    #[serde(borrow, default)]
    conversation_parts: Listed<Part<'text>>,
}

#[derive(Debug, Deserialize)]
struct Part<'text> {
    /// What happened: only what was said counts. A source has none.
    #[serde(borrow, default)]
    part_type: Option<Cow<'text, str>>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(borrow, default)]
    body: Text<'text>,
    #[serde(borrow, default)]
    author: Option<Author<'text>>,
    #[serde(default)]
    redacted: Truth,
    #[serde(borrow, default)]
    created_at: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Author<'text> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'text, str>>,
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(default)]
    is_ai_answer: Truth,
    #[serde(default)]
    from_ai_agent: Truth,
}

/// Parts in which somebody says something: `close` and `open` may carry a last word.
const SAYING: &[&str] = &["comment", "close", "open", "assign_and_reopen", "away_mode_assignment", "assignment"];

pub(super) fn conversation<'text>(thread: Thread<'text>) -> Conversation<'text> {
    let mut parts = thread.conversation_parts.map(|parts| parts.conversation_parts.0).unwrap_or_default();
    // Parts come in order unless they were put together from pages.
    sort_by_time(&mut parts, |part| part.created_at.milliseconds());
    let source = thread.source;
    let subject = source.as_ref().and_then(|source| source.subject.clone().filled());
    let authors = source.iter().chain(&parts).filter_map(|part| part.author.as_ref());
    let names = authors.filter_map(|author| author.name.clone().filled()).collect();
    let messages = source.into_iter().chain(parts).map(message).collect();
    let subject = subject.or_else(|| thread.title.filled()).map(plain);
    Conversation { id: thread.id.0.map(Cow::into_owned), subject, messages, names }
}

/// Subjects of messages that began as e-mails are HTML.
fn plain(subject: Cow<'_, str>) -> Cow<'_, str> {
    if crate::html::is_html(&subject) { Cow::Owned(crate::html::text(&subject)) } else { subject }
}

fn message(part: Part<'_>) -> Message<'_> {
    let is_said = part.part_type.as_deref().is_none_or(|kind| SAYING.contains(&kind));
    let by = part.author.as_ref().and_then(speaker);
    match (by, part.body.filled()) {
        (Some(by), Some(body)) if is_said && !part.redacted.is_true() => Message::Said { by, body: Body::Html(body) },
        _ => Message::LeftOut,
    }
}

/// Who speaks; a bot speaks for nobody.
fn speaker(author: &Author<'_>) -> Option<Role> {
    if author.is_ai_answer.is_true() || author.from_ai_agent.is_true() {
        return None;
    }
    match author.kind.as_deref()? {
        "user" | "lead" | "contact" => Some(Role::Customer),
        "admin" | "team" => Some(Role::Agent),
        _ => None,
    }
}
