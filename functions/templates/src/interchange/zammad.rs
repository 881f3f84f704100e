//! Text modules of Zammad (`GET /api/v1/text_modules`). Their content is HTML with `#{…}` in it; agents type `::` and a keyword to
//! get them.

use romashka_domain::template::MAX_LABEL_CHARS;
use serde_json::{Map, Value};

use super::placeholders::{Dialect, Marks};
use super::{Entry, key, text};
use crate::interchange::cells::{labels, titled};

const DIALECT: Dialect = Dialect {
    marks: Marks::Hash,
    names: &[
        ("ticket.customer.firstname", "customer.first_name"),
        ("ticket.customer.lastname", "customer.last_name"),
        ("ticket.customer.fullname", "customer.name"),
        ("ticket.customer.email", "customer.email"),
        ("ticket.customer.phone", "customer.phone"),
        ("ticket.customer.mobile", "customer.phone"),
        ("ticket.customer.organization.name", "customer.company"),
        ("ticket.organization.name", "customer.company"),
        ("ticket.number", "conversation.id"),
        ("ticket.id", "conversation.id"),
        ("ticket.title", "conversation.subject"),
        ("ticket.state.name", "conversation.status"),
        ("ticket.owner.firstname", "agent.first_name"),
        ("ticket.owner.lastname", "agent.last_name"),
        ("ticket.owner.fullname", "agent.name"),
        ("ticket.owner.email", "agent.email"),
        ("user.firstname", "agent.first_name"),
        ("user.lastname", "agent.last_name"),
        ("user.fullname", "agent.name"),
        ("user.email", "agent.email"),
        ("config.organization", "company.name"),
        ("config.product_name", "company.name"),
    ],
};

pub(super) fn entry(module: Map<String, Value>) -> Entry {
    let mut entry = Entry { key: key(module.get("id"), text(&module, "name")), ..Entry::default() };
    titled(&mut entry, text(&module, "name"), "::");
    let keywords = labels(text(&module, "keywords"), &[' ', ',', ';'], MAX_LABEL_CHARS);
    if let Some(first) = keywords.first() {
        entry.shortcut(first);
    }
    entry.set("tags", keywords);
    if module.get("group_ids").and_then(Value::as_array).is_some_and(|groups| !groups.is_empty()) {
        entry.made_private("not every group sees the text module; share the template with those who do");
    }
    let content = text(&module, "content");
    if content.is_empty() {
        return entry.not_in_use("the text module has no content");
    }
    if module.get("active") == Some(&Value::Bool(false)) {
        return entry.not_in_use("the text module is switched off");
    }
    // It always is HTML; where nothing of it shows, plain text keeps its line breaks.
    if content.contains(['<', '&']) {
        entry.set("format", "html");
    }
    entry.source(content, &DIALECT);
    entry
}
