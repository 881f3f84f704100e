//! Macros of Zendesk (`GET /api/v2/macros.json`). Their text is Liquid, with Zendesk's placeholders; the categories stand in the
//! title, with `::` between them.

use serde_json::{Map, Value};

use super::placeholders::{Dialect, Marks};
use super::{Entry, NoteCode, key, text};
use crate::interchange::cells::titled;

const DIALECT: Dialect = Dialect {
    marks: Marks::Liquid,
    names: &[
        ("ticket.requester.name", "customer.name"),
        ("ticket.requester.first_name", "customer.first_name"),
        ("ticket.requester.last_name", "customer.last_name"),
        ("ticket.requester.email", "customer.email"),
        ("ticket.requester.phone", "customer.phone"),
        ("ticket.requester.language", "customer.language"),
        ("ticket.organization.name", "customer.company"),
        ("ticket.requester.organization.name", "customer.company"),
        ("ticket.id", "conversation.id"),
        ("ticket.title", "conversation.subject"),
        ("ticket.via", "conversation.channel"),
        ("ticket.status", "conversation.status"),
        ("ticket.link", "conversation.url"),
        ("ticket.url", "conversation.url"),
        ("ticket.account", "company.name"),
        ("ticket.brand.name", "company.name"),
        ("ticket.assignee.name", "agent.name"),
        ("ticket.assignee.first_name", "agent.first_name"),
        ("ticket.assignee.last_name", "agent.last_name"),
        ("ticket.assignee.email", "agent.email"),
        ("current_user.name", "agent.name"),
        ("current_user.first_name", "agent.first_name"),
        ("current_user.last_name", "agent.last_name"),
        ("current_user.email", "agent.email"),
        ("agent.signature", "agent.signature"),
        // Names that Zendesk itself no longer documents, and that macros still hold.
        ("requester.name", "customer.name"),
        ("requester.first_name", "customer.first_name"),
    ],
};

pub(super) fn entry(macro_: Map<String, Value>) -> Entry {
    let title = text(&macro_, "title");
    let mut entry = Entry { key: key(macro_.get("id"), title), ..Entry::default() };
    titled(&mut entry, title, "::");
    let none = Vec::new();
    let actions = macro_.get("actions").and_then(Value::as_array).unwrap_or(&none);
    let field = |action: &Value| action["field"].as_str().unwrap_or_default().to_owned();
    let said = |name: &str| {
        let texts = actions.iter().filter(|action| field(action) == name).filter_map(|action| words(&action["value"]));
        texts.collect::<Vec<_>>().join("\n\n")
    };
    let (html, plain) = (said("comment_value_html"), said("comment_value"));
    let mut dropped: Vec<String> =
        actions.iter().map(field).filter(|field| !field.starts_with("comment_value")).collect();
    dropped.sort();
    dropped.dedup();
    if !macro_.get("restriction").is_none_or(Value::is_null) {
        entry.made_private("not everybody may use the macro; share the template with those who may");
    }
    if html.is_empty() && plain.is_empty() {
        return entry.not_in_use("the macro says nothing to the customer");
    }
    if macro_.get("active") == Some(&Value::Bool(false)) {
        return entry.not_in_use("the macro is switched off");
    }
    let is_internal = |value: &Value| value == &Value::Bool(false) || value.as_str() == Some("false");
    if actions.iter().any(|action| field(action) == "comment_mode_is_public" && is_internal(&action["value"])) {
        return entry.not_in_use("the macro writes an internal note, which customers do not see");
    }
    if html.is_empty() {
        entry.source(&plain, &DIALECT);
    } else {
        entry.set("format", "html");
        entry.source(&html, &DIALECT);
    }
    for field in dropped {
        entry.note(NoteCode::ActionDropped, format!("the macro also sets `{}` of the ticket", without_braces(&field)));
    }
    entry
}

/// The text of a comment, which may follow the channel that it is for.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.last()?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn without_braces(field: &str) -> String {
    field.chars().filter(|char| char.is_ascii_alphanumeric() || *char == '_').take(60).collect()
}
