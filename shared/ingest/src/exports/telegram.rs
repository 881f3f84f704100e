//! Telegram: chats as its desktop program exports them, one by one or all in one document.
//!
//! Fields: <https://core.telegram.org/import-export>. In a chat of two the other one is the customer; in a group it is
//! whoever wrote first.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text};
use super::{Body, Conversation, Message, sort_by_time};
use crate::record::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Chat<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    /// `message`, or `service` for what the program says.
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    from: Text<'text>,
    #[serde(borrow, default)]
    from_id: Text<'text>,
    #[serde(borrow, default)]
    text: Spoken<'text>,
    #[serde(borrow, default)]
    date: Text<'text>,
    #[serde(borrow, default)]
    date_unixtime: Text<'text>,
    #[serde(borrow, default)]
    via_bot: Text<'text>,
}

/// A text, or its parts, of which some are marked as links, mentions and so on.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Spoken<'text> {
    Parts(#[serde(borrow)] Vec<Part<'text>>),
    Whole(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Part<'text> {
    Marked {
        #[serde(borrow)]
        text: Text<'text>,
    },
    Plain(#[serde(borrow)] Text<'text>),
}

impl Default for Spoken<'_> {
    fn default() -> Self {
        Self::Whole(Text::default())
    }
}

impl<'text> Spoken<'text> {
    fn joined(self) -> Option<Cow<'text, str>> {
        let parts = match self {
            Self::Whole(text) => return text.filled(),
            Self::Parts(parts) => parts,
        };
        let text = |part: Part<'text>| match part {
            Part::Marked { text } | Part::Plain(text) => text.0.unwrap_or_default(),
        };
        let joined = parts.into_iter().map(text).collect::<String>();
        Text(Some(Cow::Owned(joined))).filled()
    }
}

pub(super) fn chat(chat: Chat<'_>) -> Conversation<'_> {
    let mut said = chat.messages.0;
    sort_by_time(&mut said, |said| said.date_unixtime.milliseconds().or_else(|| said.date.milliseconds()));
    let author = |said: &Said<'_>| said.from_id.0.as_deref().or(said.from.0.as_deref()).map(str::to_owned);
    let other = chat.id.0.as_deref().map(|id| format!("user{id}"));
    let is_of_two = chat.kind.0.as_deref() == Some("personal_chat");
    let customer = other.filter(|_| is_of_two).or_else(|| said.iter().find_map(author));
    let mut names: Vec<_> = said.iter().filter_map(|said| said.from.clone().filled()).collect();
    names.sort_unstable();
    names.dedup();
    names.extend(chat.name.filled());
    let is_own = matches!(chat.kind.0.as_deref(), Some("saved_messages" | "bot_chat"));
    let message = |said: Said<'_>| {
        if is_own {
            return Message::LeftOut;
        }
        let by = if author(&said) == customer { Role::Customer } else { Role::Agent };
        let is_said = said.kind.0.as_deref() == Some("message") && said.via_bot.filled().is_none();
        match said.text.joined() {
            Some(text) if is_said => Message::Said { by, body: Body::Plain(Cow::Owned(text.into_owned())) },
            _ => Message::LeftOut,
        }
    };
    let messages = said.into_iter().map(message).collect();
    Conversation { id: chat.id.0.map(Cow::into_owned), subject: None, messages, names }
}
