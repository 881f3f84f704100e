//! Zendesk: tickets as its API gives them page by page, as its incremental export does, and one a line as the account's
//! own export does; and the comments of a single ticket.
//!
//! Fields: <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/> and `…/ticket_comments/`.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, People, sort_by_time};
use crate::record::Role;

/// A ticket. Its first comment is its description again.
#[derive(Debug, Deserialize)]
pub(super) struct Ticket<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(borrow, default)]
    description: Text<'text>,
    #[serde(borrow, default)]
    status: Text<'text>,
    #[serde(borrow, default)]
    requester_id: Text<'text>,
    #[serde(borrow, default)]
    submitter_id: Text<'text>,
    #[serde(borrow, default)]
    requester: Option<User<'text>>,
    #[serde(borrow, default)]
    assignee: Option<User<'text>>,
    #[serde(borrow, default)]
    submitter: Option<User<'text>>,
    #[serde(borrow, default)]
    comments: Listed<Comment<'text>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comment<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    author_id: Text<'text>,
    #[serde(borrow, default)]
    author: Option<User<'text>>,
    #[serde(borrow, default)]
    body: Text<'text>,
    #[serde(borrow, default)]
    html_body: Text<'text>,
    #[serde(borrow, default)]
    plain_body: Text<'text>,
    /// Without it nothing says that the customer could read the comment.
    #[serde(default)]
    public: Truth,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    created_at: Text<'text>,
    #[serde(borrow, default)]
    via: Option<Via<'text>>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// The way a comment came.
#[derive(Debug, Deserialize)]
struct Via<'text> {
    #[serde(borrow, default)]
    channel: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    flags: Option<Vec<i64>>,
}

/// Who writes what rules of the account send.
const SYSTEM: &str = "-1";
/// Marks an answer that a mailbox gave by itself (<https://developer.zendesk.com/documentation/ticketing/reference-guides/comment-flags>).
const AUTOMATIC: i64 = 4;

impl Comment<'_> {
    fn is_automatic(&self) -> bool {
        let flags = self.metadata.as_ref().and_then(|metadata| metadata.flags.as_deref()).unwrap_or_default();
        let channel = self.via.as_ref().and_then(|via| via.channel.0.as_deref());
        // The body of a call is its log.
        let is_call = self.kind.0.as_deref() == Some("VoiceComment") || channel == Some("voice");
        is_call || self.author_id.0.as_deref() == Some(SYSTEM) || channel == Some("rule") || flags.contains(&AUTOMATIC)
    }
}

/// Somebody who asks or answers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User<'text> {
    #[serde(borrow, default)]
    pub(super) id: Text<'text>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'text, str>>,
    #[serde(borrow, default)]
    pub(super) role: Option<Cow<'text, str>>,
}

/// What is sent with the comments of one ticket.
#[derive(Debug, Deserialize)]
pub(super) struct Comments<'text> {
    #[serde(borrow, default)]
    comments: Listed<Comment<'text>>,
    #[serde(borrow, default)]
    users: Listed<User<'text>>,
}

impl User<'_> {
    pub(super) fn role(&self) -> Option<Role> {
        match self.role.as_deref()? {
            "end-user" | "end_user" => Some(Role::Customer),
            "agent" | "admin" => Some(Role::Agent),
            _ => None,
        }
    }
}

pub(super) fn ticket<'text>(ticket: Ticket<'text>, people: &People) -> Conversation<'text> {
    let requester = ticket.requester_id.0.clone().or_else(|| ticket.requester.as_ref()?.id.0.clone());
    let submitter = ticket.submitter_id.0.clone().or_else(|| ticket.submitter.as_ref()?.id.0.clone());
    // The requester is the customer, whatever role the account gives them; so is everybody else from outside.
    let by = |author: Option<&str>| {
        if author == requester.as_deref() {
            return Role::Customer;
        }
        author.and_then(|id| people.role_of(id)).unwrap_or(Role::Agent)
    };
    let mut names: Vec<_> = [&ticket.requester, &ticket.assignee, &ticket.submitter]
        .into_iter()
        .flatten()
        .filter_map(|user| user.name.clone())
        .collect();
    let mut took_part: Vec<_> = [&requester, &submitter].into_iter().flatten().cloned().collect();
    let mut messages = Vec::new();
    if ticket.status.0.as_deref() == Some("deleted") {
        messages.push(Message::LeftOut);
    } else if ticket.comments.0.is_empty() {
        let by = by(submitter.as_deref().or(requester.as_deref()));
        messages.extend(ticket.description.filled().map(|body| Message::Said { by, body: Body::Plain(body) }));
    } else {
        let mut comments = ticket.comments.0;
        sort_by_time(&mut comments, |comment| comment.created_at.milliseconds());
        for comment in comments {
            let author = comment.author_id.0.clone().or_else(|| comment.author.as_ref()?.id.0.clone());
            names.extend(comment.author.as_ref().and_then(|author| author.name.clone()));
            took_part.extend(author.clone());
            messages.push(said(comment, by(author.as_deref())));
        }
    }
    names.extend(took_part.iter().filter_map(|id| people.name_of(id)).map(|name| Cow::Owned(name.to_owned())));
    Conversation { id: ticket.id.0.map(Cow::into_owned), subject: ticket.subject.filled(), messages, names }
}

pub(super) fn comments<'text>(page: Comments<'text>) -> Conversation<'text> {
    let users = page.users.0;
    let first = page.comments.0.first();
    let asked = first.and_then(|comment| comment.author_id.0.clone());
    let by = |author: Option<&str>| {
        let user = users.iter().find(|user| user.id.0.as_deref() == author);
        user.and_then(User::role).unwrap_or(if author == asked.as_deref() { Role::Customer } else { Role::Agent })
    };
    let id = first.and_then(|comment| Some(format!("comment-{}", comment.id.0.as_deref()?)));
    let message = |comment: Comment<'text>| {
        let by = by(comment.author_id.0.as_deref());
        said(comment, by)
    };
    let messages = page.comments.0.into_iter().map(message).collect();
    Conversation { id, subject: None, messages, names: users.iter().filter_map(|user| user.name.clone()).collect() }
}

fn said<'text>(comment: Comment<'text>, by: Role) -> Message<'text> {
    if !comment.public.is_true() || comment.is_automatic() {
        return Message::LeftOut;
    }
    let html = comment.html_body.filled().map(Body::Html);
    let plain = || comment.plain_body.filled().or_else(|| comment.body.filled()).map(Body::Plain);
    html.or_else(plain).map_or(Message::LeftOut, |body| Message::Said { by, body })
}
