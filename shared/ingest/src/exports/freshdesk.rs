//! Freshdesk: tickets with their conversations, as its API gives them and as an account's export holds them.
//!
//! Fields: <https://developers.freshdesk.com/api/#tickets> (with `include=conversations,requester`); the account's export
//! calls a ticket `helpdesk_ticket` and its conversations `notes`.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

/// A ticket, or the object around one.
#[derive(Debug, Deserialize)]
pub(super) struct Ticket<'text> {
    #[serde(borrow, default)]
    helpdesk_ticket: Option<Box<Ticket<'text>>>,
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    display_id: Text<'text>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(borrow, default)]
    description: Text<'text>,
    #[serde(borrow, default)]
    description_text: Text<'text>,
    #[serde(borrow, default)]
    description_html: Text<'text>,
    /// Origin of the ticket: 10 is an e-mail that the team sent first.
    #[serde(borrow, default)]
    source: Text<'text>,
    #[serde(default)]
    deleted: Truth,
    #[serde(default)]
    spam: Truth,
    #[serde(borrow, default)]
    requester: Option<Person<'text>>,
    #[serde(borrow, default)]
    conversations: Listed<Reply<'text>>,
    #[serde(borrow, default)]
    notes: Listed<Noted<'text>>,
    #[serde(borrow, default)]
    helpdesk_notes: Listed<Noted<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
}

/// A reply of the account's export, or the object around one.
#[derive(Debug, Deserialize)]
struct Noted<'text> {
    #[serde(borrow, default)]
    note: Option<Reply<'text>>,
    #[serde(borrow, default)]
    helpdesk_note: Option<Reply<'text>>,
    #[serde(borrow, flatten)]
    bare: Reply<'text>,
}

#[derive(Debug, Deserialize)]
struct Reply<'text> {
    #[serde(borrow, default)]
    body_html: Text<'text>,
    #[serde(borrow, default)]
    body: Text<'text>,
    #[serde(borrow, default)]
    body_text: Text<'text>,
    #[serde(default)]
    incoming: Truth,
    #[serde(default)]
    private: Truth,
    #[serde(default)]
    deleted: Truth,
    /// Sort of the reply: 6 an answer to a survey, 8 a mail that was forwarded to somebody else.
    #[serde(borrow, default)]
    source: Text<'text>,
    #[serde(borrow, default)]
    created_at: Text<'text>,
}

const OUTBOUND_MAIL: &str = "10";
const NOT_SAID: &[&str] = &["6", "8"];

pub(super) fn ticket(ticket: Ticket<'_>) -> Conversation<'_> {
    let ticket = match ticket.helpdesk_ticket {
        Some(inner) => *inner,
        None => ticket,
    };
    let mut messages = Vec::new();
    if ticket.deleted.is_true() || ticket.spam.is_true() {
        messages.push(Message::LeftOut);
    } else {
        let by = if ticket.source.0.as_deref() == Some(OUTBOUND_MAIL) { Role::Agent } else { Role::Customer };
        let html = ticket.description_html.filled().or_else(|| ticket.description.filled()).map(Body::Html);
        let body = html.or_else(|| ticket.description_text.filled().map(Body::Plain));
        messages.extend(body.map(|body| Message::Said { by, body }));
        let mut replies = ticket.conversations.0;
        let notes = ticket.notes.0.into_iter().chain(ticket.helpdesk_notes.0);
        replies.extend(notes.map(|noted| noted.note.or(noted.helpdesk_note).unwrap_or(noted.bare)));
        sort_by_time(&mut replies, |reply| reply.created_at.milliseconds());
        messages.extend(replies.into_iter().map(message));
    }
    Conversation {
        id: ticket.display_id.filled().or(ticket.id.0).map(Cow::into_owned),
        subject: ticket.subject.filled(),
        messages,
        names: ticket.requester.into_iter().filter_map(|person| person.name.filled()).collect(),
    }
}

fn message(reply: Reply<'_>) -> Message<'_> {
    let is_said = reply.source.0.as_deref().is_none_or(|source| !NOT_SAID.contains(&source));
    let by = match (reply.incoming.is_true(), reply.incoming.is_false()) {
        (true, _) => Role::Customer,
        (_, true) => Role::Agent,
        _ => return Message::LeftOut,
    };
    // What is not said to be public may be private.
    let is_public = reply.private.is_false() && !reply.deleted.is_true();
    let body = reply
        .body_html
        .filled()
        .or_else(|| reply.body.filled())
        .map(Body::Html)
        .or_else(|| reply.body_text.filled().map(Body::Plain));
    body.filter(|_| is_said && is_public).map_or(Message::LeftOut, |body| Message::Said { by, body })
}
