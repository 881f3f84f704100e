//! Conversations with a list of messages of which each names its speaker: Tidio's, and those of whoever writes them the
//! same way, such as chat logs of language models.
//!
//! Tidio's fields: <https://developers.tidio.com/reference> (conversations and their messages); the names that other
//! programs give the same fields are accepted beside them.

use std::borrow::Cow;

use serde::Deserialize;

use super::values::{Listed, Text, Truth};
use super::{Body, Conversation, Message, sort_by_time};
use crate::speakers::Speaker;

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'text> {
    #[serde(borrow, default)]
    id: Text<'text>,
    #[serde(borrow, default)]
    conversation_id: Text<'text>,
    #[serde(borrow, default)]
    thread_id: Text<'text>,
    #[serde(borrow, default)]
    chat_id: Text<'text>,
    #[serde(borrow, default)]
    uuid: Text<'text>,
    #[serde(borrow, default)]
    subject: Text<'text>,
    #[serde(borrow, default)]
    title: Text<'text>,
    #[serde(borrow, default)]
    messages: Listed<Said<'text>>,
    #[serde(borrow, default)]
    transcript: Listed<Said<'text>>,
    #[serde(borrow, default)]
    turns: Listed<Said<'text>>,
    #[serde(borrow, default)]
    contact: Option<Person<'text>>,
    #[serde(borrow, default)]
    visitor: Option<Person<'text>>,
    #[serde(borrow, default)]
    customer: Option<Person<'text>>,
    #[serde(borrow, default)]
    user: Option<Person<'text>>,
    #[serde(borrow, default)]
    operator: Option<Person<'text>>,
    #[serde(borrow, default)]
    agent: Option<Person<'text>>,
    #[serde(borrow, default)]
    assignee: Option<Person<'text>>,
    #[serde(borrow, default)]
    operators: Listed<Person<'text>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Person<'text> {
    Named(#[serde(borrow)] Named<'text>),
    /// An id, or a name.
    Other(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
struct Named<'text> {
    #[serde(borrow, default)]
    name: Text<'text>,
    #[serde(borrow, default)]
    full_name: Text<'text>,
    #[serde(borrow, default)]
    display_name: Text<'text>,
    #[serde(borrow, default)]
    first_name: Text<'text>,
    #[serde(borrow, default)]
    last_name: Text<'text>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    role: Text<'text>,
}

impl<'text> Person<'text> {
    fn names(&self) -> impl Iterator<Item = Cow<'text, str>> + use<'text> {
        let names = match self {
            Self::Named(person) => {
                let names =
                    [&person.name, &person.full_name, &person.display_name, &person.first_name, &person.last_name];
                names.map(Text::clone)
            }
            // A name, where it is no word for a speaker.
            Self::Other(text) => {
                let is_name =
                    |text: &str| Speaker::named(text).is_none() && !text.contains(|c: char| c.is_ascii_digit());
                let name = if text.0.as_deref().is_some_and(is_name) { text.clone() } else { Text::default() };
                [name, Text::default(), Text::default(), Text::default(), Text::default()]
            }
        };
        names.into_iter().filter_map(Text::filled)
    }

    /// The word that says who it is.
    fn word(&self) -> Option<&str> {
        match self {
            Self::Named(person) => person.role.0.as_deref().or(person.kind.0.as_deref()),
            Self::Other(word) => word.0.as_deref(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Said<'text> {
    #[serde(borrow, default)]
    message: Spoken<'text>,
    #[serde(borrow, default)]
    message_content: Spoken<'text>,
    #[serde(borrow, default)]
    content: Spoken<'text>,
    #[serde(borrow, default)]
    text: Spoken<'text>,
    #[serde(borrow, default)]
    body: Spoken<'text>,
    #[serde(borrow, default)]
    author_type: Text<'text>,
    #[serde(borrow, default)]
    role: Text<'text>,
    #[serde(borrow, default)]
    sender_type: Text<'text>,
    #[serde(borrow, default)]
    from_type: Text<'text>,
    #[serde(borrow, default)]
    direction: Text<'text>,
    #[serde(borrow, default)]
    author: Option<Person<'text>>,
    #[serde(borrow, default)]
    sender: Option<Person<'text>>,
    #[serde(borrow, default)]
    from: Option<Person<'text>>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
    #[serde(borrow, default)]
    message_type: Text<'text>,
    #[serde(default)]
    from_agent: Truth,
    #[serde(default)]
    from_customer: Truth,
    #[serde(default)]
    is_inbound: Truth,
    #[serde(default)]
    incoming: Truth,
    #[serde(default)]
    private: Truth,
    #[serde(default)]
    is_private: Truth,
    #[serde(default)]
    is_note: Truth,
    #[serde(default)]
    internal: Truth,
    #[serde(default)]
    is_internal: Truth,
    #[serde(default)]
    deleted: Truth,
    #[serde(default)]
    is_deleted: Truth,
    #[serde(default)]
    automated: Truth,
    #[serde(borrow, default)]
    created_at: Text<'text>,
    #[serde(borrow, default)]
    timestamp: Text<'text>,
    #[serde(borrow, default)]
    sent_at: Text<'text>,
    #[serde(borrow, default)]
    time: Text<'text>,
    #[serde(borrow, default)]
    date: Text<'text>,
}

/// What was said: a text, or an object that holds it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Spoken<'text> {
    Inside(#[serde(borrow)] Inside<'text>),
    Plain(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
struct Inside<'text> {
    #[serde(borrow, default)]
    text: Text<'text>,
    #[serde(borrow, default)]
    message: Text<'text>,
    #[serde(borrow, default)]
    content: Text<'text>,
    #[serde(borrow, default)]
    body: Text<'text>,
}

impl Default for Spoken<'_> {
    fn default() -> Self {
        Self::Plain(Text::default())
    }
}

impl<'text> Spoken<'text> {
    fn filled(self) -> Option<Cow<'text, str>> {
        match self {
            Self::Plain(text) => text.filled(),
            Self::Inside(it) => [it.text, it.message, it.content, it.body].into_iter().find_map(Text::filled),
        }
    }
}

impl Said<'_> {
    fn milliseconds(&self) -> Option<i64> {
        let times = [&self.created_at, &self.timestamp, &self.sent_at, &self.time, &self.date];
        times.into_iter().find_map(Text::milliseconds)
    }

    fn people(&self) -> impl Iterator<Item = &Person<'_>> {
        self.author.iter().chain(&self.sender).chain(&self.from)
    }

    /// The speaker, by the first word that tells it; a word for a note or a program anywhere leads.
    fn speaker(&self) -> Option<Speaker> {
        let words = [&self.author_type, &self.role, &self.sender_type, &self.from_type];
        let words =
            words.into_iter().filter_map(|word| word.0.as_deref()).chain(self.people().filter_map(Person::word));
        let by: Vec<Speaker> = words.filter_map(Speaker::named).collect();
        let sorts = [("direction", &self.direction), ("type", &self.kind), ("message_type", &self.message_type)];
        let sorts = sorts.into_iter().filter_map(|(name, sort)| Some((name, sort.0.as_deref()?)));
        let by_sort: Vec<Speaker> = sorts.clone().filter_map(|(name, sort)| Speaker::of_sort(name, sort)).collect();
        if by.iter().chain(&by_sort).any(|by| *by == Speaker::Nobody) {
            return Some(Speaker::Nobody);
        }
        let flags = [(self.from_agent, Speaker::Agent, Speaker::Customer)].into_iter().chain(
            [self.from_customer, self.is_inbound, self.incoming].map(|flag| (flag, Speaker::Customer, Speaker::Agent)),
        );
        let by_flag = flags.into_iter().find_map(|(flag, yes, no)| match () {
            () if flag.is_true() => Some(yes),
            () if flag.is_false() => Some(no),
            () => None,
        });
        if by_flag.is_some() {
            return by_flag;
        }
        // The sort names the speaker where nothing else does.
        by.first()
            .or_else(|| by_sort.first())
            .copied()
            .or_else(|| sorts.filter_map(|(_, sort)| Speaker::named(sort)).next())
    }

    fn is_aside(&self) -> bool {
        let marks = [self.private, self.is_private, self.is_note, self.internal, self.is_internal];
        marks.iter().chain(&[self.deleted, self.is_deleted, self.automated]).any(|mark| mark.is_true())
    }
}

pub(super) fn conversation<'text>(thread: Thread<'text>) -> Conversation<'text> {
    let people = thread.contact.iter().chain(&thread.visitor).chain(&thread.customer).chain(&thread.user);
    let people = people.chain(&thread.operator).chain(&thread.agent).chain(&thread.assignee);
    let mut said = thread.messages.0;
    said.extend(thread.transcript.0);
    said.extend(thread.turns.0);
    let people = people.chain(&thread.operators.0);
    let mut names: Vec<_> = people.flat_map(Person::names).collect();
    names.extend(
        said.iter().flat_map(|said| [&said.author, &said.sender, &said.from]).flatten().flat_map(Person::names),
    );
    sort_by_time(&mut said, Said::milliseconds);
    let ids = [thread.id, thread.conversation_id, thread.thread_id, thread.chat_id, thread.uuid];
    Conversation {
        id: ids.into_iter().find_map(Text::filled).map(Cow::into_owned),
        subject: thread.subject.filled().or_else(|| thread.title.filled()),
        messages: said.into_iter().map(message).collect(),
        names,
    }
}

fn message(said: Said<'_>) -> Message<'_> {
    let (speaker, is_aside) = (said.speaker(), said.is_aside());
    let texts = [said.message, said.message_content, said.content, said.text, said.body];
    match (speaker, texts.into_iter().find_map(Spoken::filled)) {
        (None, Some(_)) if !is_aside => Message::Unknown,
        (Some(speaker), Some(text)) if !is_aside => match speaker.role() {
            Some(by) => Message::Said { by, body: Body::Plain(text) },
            None => Message::LeftOut,
        },
        _ => Message::LeftOut,
    }
}
