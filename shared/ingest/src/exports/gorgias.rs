//! Gorgias: tickets with their messages.
//!
//! Fields: <https://developers.gorgias.com/reference/the-ticket-object> and `…/the-ticketmessage-object`.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Ticket<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(default)]
    spam: Truth,
    #[serde(borrow, default)]
    trashed_datetime: Text<'text>,
    #[serde(borrow, default)]
    customer: Option<Person<'text>>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
}

#[derive(Debug, Deserialize)]
struct Person<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default)]
    firstname: Text<'text>,
    #[serde(borrow, default)]
    lastname: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    #[serde(default)]
    from_agent: Truth,
    #[serde(default)]
    public: Truth,
    #[serde(borrow, default)]
    channel: Text<'text>,
    /// The rule that wrote it by itself.
    #[serde(borrow, default)]
    rule_id: Text<'text>,
    /// The words without quotes and signature, as Gorgias cuts them.
    #[serde(borrow, default)]
    stripped_text: Text<'text>,
    #[serde(borrow, default)]
    body_html: Text<'text>,
    #[serde(borrow, default)]
    body_text: Text<'text>,
    #[serde(borrow, default)]
    sender: Option<Person<'text>>,
    #[serde(borrow, default)]
    created_datetime: Text<'text>,
}

pub(super) fn ticket(ticket: Ticket<'_>) -> Conversation<'_> {
    let mut said = ticket.messages.0;
    sort_by_time(&mut said, |said| said.created_datetime.milliseconds());
    let people = ticket.customer.iter().chain(said.iter().filter_map(|said| said.sender.as_ref()));
    let names = people.flat_map(|person| [&person.name, &person.firstname, &person.lastname]);
    let names = names.filter_map(|name| name.clone().filled()).collect();
    let is_void = ticket.spam.is_true() || ticket.trashed_datetime.filled().is_some();
    let message = |said| if is_void { Message::LeftOut } else { message(said) };
    Conversation {
        id: ticket.id.0.map(Cow::into_owned),
        subject: ticket.subject.filled(),
        names,
        messages: said.into_iter().map(message).collect(),
    }
}

fn message(said: Said<'_>) -> Message<'_> {
    let by = match (said.from_agent.is_true(), said.from_agent.is_false()) {
        (true, _) => Role::Agent,
        (_, true) => Role::Customer,
        _ => return Message::LeftOut,
    };
    let is_note = said.channel.0.as_deref() == Some("internal-note") || said.public.is_false();
    let is_automatic = said.rule_id.filled().is_some();
    let plain = said.stripped_text.filled().map(Body::Plain);
    let whole = || said.body_html.filled().map(Body::Html).or_else(|| said.body_text.filled().map(Body::Plain));
    let body = plain.or_else(whole);
    body.filter(|_| !is_note && !is_automatic).map_or(Message::LeftOut, |body| Message::Said { by, body })
}
