//! Canned responses of Chatwoot (`GET /api/v1/accounts/{id}/canned_responses`). Their text is Liquid in Markdown, with Chatwoot's
//! variables.

use serde_json::{Map, Value};

use super::placeholders::{Dialect, Marks};
use super::{Entry, key, text};

const DIALECT: Dialect = Dialect {
    marks: Marks::Liquid,
    names: &[
        ("contact.name", "customer.name"),
        ("contact.first_name", "customer.first_name"),
        ("contact.last_name", "customer.last_name"),
        ("contact.email", "customer.email"),
        ("contact.phone", "customer.phone"),
        ("contact.phone_number", "customer.phone"),
        ("contact.company", "customer.company"),
        ("contact.company_name", "customer.company"),
        ("conversation.display_id", "conversation.id"),
        ("inbox.name", "conversation.channel"),
        ("account.name", "company.name"),
    ],
};

pub(super) fn entry(response: Map<String, Value>) -> Entry {
    let code = text(&response, "short_code");
    let mut entry = Entry { key: key(response.get("id"), code), ..Entry::default() };
    entry.set("name", code);
    entry.shortcut(code);
    if text(&response, "content").is_empty() {
        return entry.not_in_use("the canned response has no content");
    }
    entry.source(text(&response, "content"), &DIALECT);
    entry
}
