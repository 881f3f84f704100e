//! Agents' replies, as the reader of replies gives them and the knowledge index keeps them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The act of a reply: what it does in the conversation. Of a reply with several, the first of this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It tells the customer something, or what to do.
    #[default]
    Answer,
    /// It asks for what is missing, such as an order number.
    Question,
    /// It passes the matter on to somebody else, or to another channel.
    HandOver,
    /// It promises to find out.
    Promise,
    /// It greets, thanks, apologises or wishes well.
    Courtesy,
}

/// The kind of value that a slot stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A person's name.
    Name,
    /// An order number or another identifier.
    Identifier,
    /// A number.
    Number,
    /// An amount of money.
    Amount,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A link.
    Link,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// Something that redaction hid.
    Hidden,
}

/// The origin of a slot's value in the reply it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotSource {
    /// The customer's question held it, so the next question may, too.
    Question,
    /// The agent looked it up.
    Agent,
}

/// A variable of a generalised reply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// Its name, as in `{{ order.number }}`.
    pub name: String,
    /// The kind of its values.
    pub kind: ValueKind,
    /// The origin of its value.
    pub source: SlotSource,
}
