//! Personal data, replaced by typed placeholders before anything is kept.
//!
//! What a model learns from and what a person reads in a report must not say who wrote it. Each kind of personal data
//! has rules of its own: what can be checked is checked (Luhn for cards, ISO 13616 for bank accounts, the check digits of
//! national numbers), what cannot is known by its shape or by the word before it. The placeholders are variables of the
//! template language, so that a reply learnt from an agent can be filled in again for another customer.
//!
//! Three promises hold for every text:
//!
//! * the words around what was found stay as they are, byte for byte;
//! * a text that was redacted is not changed by doing it again;
//! * time is linear in the text: the expressions run on an automaton without backtracking.
//!
//! ```
//! use romashka_ingest::redaction::{Findings, Names, Redactor};
//!
//! let redactor = Redactor::default();
//! let mut found = Findings::default();
//! let text = "i am Anna, write to anna@example.org";
//! let redacted = redactor.redact(text, &Names::of(["Anna Weiss"]), &mut found);
//! assert_eq!(redacted, "i am {{customer.name}}, write to {{customer.email}}");
//! assert_eq!(found.total(), 2);
//! ```

mod addresses;
mod bank;
mod digits;
mod names;
mod national;
mod network;
mod orders;
mod phones;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use names::Names;
pub use orders::{MAX_PATTERN_CHARS, MAX_PATTERNS, PatternError};

/// Passes over one text at most; the second finds something in one text of thousands.
const MOST_PASSES: usize = 8;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// Name and password, or a secret, inside a web address.
    Credentials,
    /// An e-mail address.
    Email,
    /// An order number, as the tenant's own patterns describe it.
    Order,
    /// An international bank account number (ISO 13616).
    Iban,
    /// The number of a payment card (ISO/IEC 7812).
    Card,
    /// A number that a state gives a person, where it can be checked.
    NationalId,
    /// An address of the Internet Protocol, version 4 or 6.
    IpAddress,
    /// A telephone number.
    Phone,
    /// A street with a house number, and the town where it follows.
    Address,
    /// A name that the export gives as a contact's.
    Name,
}

impl Personal {
    /// Every kind; of two that claim the same words, the earlier has them.
    pub const ALL: [Self; 10] = [
        Self::Credentials,
        Self::Email,
        Self::Order,
        Self::Iban,
        Self::Card,
        Self::NationalId,
        Self::IpAddress,
        Self::Phone,
        Self::Address,
        Self::Name,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Email => "email",
            Self::Order => "order",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::NationalId => "national_id",
            Self::IpAddress => "ip_address",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::Name => "name",
        }
    }

    /// What stands in its place: a variable of the template language.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Credentials => "{{customer.credentials}}",
            Self::Email => "{{customer.email}}",
            Self::Order => "{{order.number}}",
            Self::Iban => "{{customer.iban}}",
            Self::Card => "{{customer.card}}",
            Self::NationalId => "{{customer.national_id}}",
            Self::IpAddress => "{{customer.ip_address}}",
            Self::Phone => "{{customer.phone}}",
            Self::Address => "{{customer.address}}",
            Self::Name => "{{customer.name}}",
        }
    }
}

/// What is the tenant's own, at most.
pub const MAX_OWN: usize = 100;
/// Characters of one of them.
pub const MAX_OWN_CHARS: usize = 200;

/// What a tenant decides about redaction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Kinds of personal data that are left as they are. Everything else is replaced.
    pub leave: BTreeSet<Personal>,
    /// Regular expressions of the tenant's order numbers, such as `LT-[0-9]{5,7}`: at most 20 of at most 200 characters.
    pub order_patterns: Vec<String>,
    /// What is the tenant's own and not a customer's, such as `support@shop.example` or `+49 30 901820`: it is left as it
    /// is. At most 100; case, spaces and punctuation do not matter.
    pub own: BTreeSet<String>,
}

/// What was found, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Findings(BTreeMap<Personal, u64>);

impl Findings {
    fn note(&mut self, what: Personal) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(*what).or_default() += count;
        }
    }

    /// How often this kind was found.
    pub fn of(&self, what: Personal) -> u64 {
        self.0.get(&what).copied().unwrap_or_default()
    }

    /// How often anything was found.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Kinds with their counts, none of which is zero.
    pub fn iter(&self) -> impl Iterator<Item = (Personal, u64)> {
        self.0.iter().map(|(what, count)| (*what, *count))
    }
}

/// Something personal in a text: what, and at which bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub what: Personal,
    /// Its bytes.
    pub bytes: Range<usize>,
}

/// Kinds that are left as they are: a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Left(u16);

impl Left {
    const EVERYTHING: Self = Self((1 << Personal::ALL.len()) - 1);

    fn has(self, what: Personal) -> bool {
        self.0 & (1 << what as u16) != 0
    }

    fn and(self, others: impl IntoIterator<Item = Personal>) -> Self {
        Self(others.into_iter().fold(self.0, |bits, what| bits | 1 << what as u16))
    }
}

impl FromIterator<Personal> for Left {
    fn from_iter<I: IntoIterator<Item = Personal>>(kinds: I) -> Self {
        Self::default().and(kinds)
    }
}

/// Finds and replaces personal data as a tenant wants it.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    leave: Left,
    orders: orders::Patterns,
    own: BTreeSet<String>,
}

/// A text without what is personal in it, by the settings that hold where a tenant made none.
#[must_use]
pub fn by_default(text: String) -> String {
    static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);
    let found = match REDACTOR.redact(&text, &Names::default(), &mut Findings::default()) {
        Cow::Owned(hidden) => Some(hidden),
        Cow::Borrowed(_) => None,
    };
    found.unwrap_or(text)
}

impl Redactor {
    /// One for these settings.
    ///
    /// # Errors
    ///
    /// Where a pattern is no regular expression, matches nothing at all, or costs too much memory.
    pub fn new(settings: &Settings) -> Result<Self, PatternError> {
        Ok(Self {
            leave: settings.leave.iter().copied().collect(),
            orders: orders::Patterns::new(&settings.order_patterns)?,
            own: settings.own.iter().map(|own| canonical(own)).collect(),
        })
    }

    /// One for what the tenant wrote to be read by everybody: its telephone number belongs into its answers. What is secret
    /// wherever it stands is still hidden.
    #[must_use]
    pub fn for_published_texts(&self) -> Self {
        let public = [
            Personal::Email,
            Personal::Phone,
            Personal::Address,
            Personal::IpAddress,
            Personal::Iban,
            Personal::Order,
            Personal::Name,
            // Codes of products look like them.
            Personal::NationalId,
        ];
        Self { leave: self.leave.and(public), ..self.clone() }
    }

    /// One that leaves everything as it is.
    #[must_use]
    pub fn none() -> Self {
        Self { leave: Personal::ALL.into_iter().collect(), ..Self::default() }
    }

    /// The text with placeholders for what is personal in it; `found` counts them.
    pub fn redact<'text>(&self, text: &'text str, names: &Names, found: &mut Findings) -> Cow<'text, str> {
        let mut current = Cow::Borrowed(text);
        if self.leave == Left::EVERYTHING {
            return current;
        }
        // What a neighbour hid, such as a digit that touched a letter, shows once the neighbour is gone.
        for _ in 0..MOST_PASSES {
            let spans = self.find(&current, names);
            if spans.is_empty() {
                break;
            }
            let mut redacted = String::with_capacity(current.len());
            let mut done = 0;
            for span in spans {
                found.note(span.what);
                redacted.push_str(&current[done..span.bytes.start]);
                redacted.push_str(span.what.placeholder());
                done = span.bytes.end;
            }
            redacted.push_str(&current[done..]);
            current = Cow::Owned(redacted);
        }
        current
    }

    /// What is personal in a text, in its order, without overlaps.
    pub fn find(&self, text: &str, names: &Names) -> Vec<Span> {
        let hints = Hints::of(text);
        let mut page = Page { text, taken: placeholders(text), found: Vec::new() };
        for what in Personal::ALL {
            if self.leave.has(what) {
                continue;
            }
            let claims = match what {
                Personal::Credentials if hints.address => network::credentials(text),
                Personal::Email if hints.at => network::emails(text),
                Personal::Order => self.orders.find(text),
                Personal::Iban if hints.digits >= bank::LEAST_IBAN_DIGITS => bank::ibans(text),
                Personal::Card if hints.digits >= bank::LEAST_CARD_DIGITS => bank::cards(text),
                Personal::NationalId if hints.digits >= national::LEAST_DIGITS => national::numbers(text),
                Personal::IpAddress if hints.digits > 0 || hints.colons > 1 => network::ip_addresses(text),
                Personal::Phone if hints.digits >= phones::LEAST_DIGITS => phones::numbers(text),
                Personal::Address if hints.digits > 0 => addresses::find(text),
                Personal::Name => names.find(text),
                _ => continue,
            };
            for bytes in claims {
                if !self.is_own(&text[bytes.clone()]) {
                    page.take(what, bytes);
                }
            }
        }
        page.found.sort_unstable_by_key(|span| span.bytes.start);
        page.found
    }

    fn is_own(&self, words: &str) -> bool {
        !self.own.is_empty() && self.own.contains(&canonical(words))
    }
}

/// What does not matter when two ways of writing the same are compared: case, spaces, punctuation.
fn canonical(words: &str) -> String {
    words.chars().filter(|c| c.is_alphanumeric() || *c == '@').flat_map(char::to_lowercase).collect()
}

/// The placeholders that a text holds already: nothing is looked for in them.
pub(crate) fn placeholders(text: &str) -> Vec<Range<usize>> {
    if !text.contains("{{") {
        return Vec::new();
    }
    let known = Personal::ALL.map(Personal::placeholder);
    let at = |(start, _): (usize, &str)| {
        let rest = &text[start..];
        known.iter().find(|placeholder| rest.starts_with(**placeholder)).map(|known| start..start + known.len())
    };
    text.match_indices("{{").filter_map(at).collect()
}

/// Which words of a text are spoken for.
struct Page<'text> {
    text: &'text str,
    taken: Vec<Range<usize>>,
    found: Vec<Span>,
}

impl Page<'_> {
    fn take(&mut self, what: Personal, bytes: Range<usize>) {
        debug_assert!(self.text.get(bytes.clone()).is_some_and(|words| !words.is_empty()));
        let overlaps = |other: &Range<usize>| bytes.start < other.end && other.start < bytes.end;
        if !self.taken.iter().any(overlaps) {
            self.taken.push(bytes.clone());
            self.found.push(Span { what, bytes });
        }
    }
}

/// What one pass over a text tells: most texts hold nothing that a rule could begin with, and cost no more than that.
#[derive(Default)]
struct Hints {
    digits: usize,
    colons: usize,
    at: bool,
    /// Whether it may hold a web address.
    address: bool,
}

impl Hints {
    /// Each is a pass of its own without a branch: together they are much faster than one that looks at every byte.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        Self {
            digits: bytes.iter().filter(|byte| byte.is_ascii_digit()).count(),
            colons: memchr::memchr_iter(b':', bytes).count(),
            at: memchr::memchr(b'@', bytes).is_some(),
            address: memchr::memchr2(b'/', b'?', bytes).is_some(),
        }
    }
}

/// An expression of our own, which is right: a test compiles every one.
#[expect(clippy::expect_used, reason = "the pattern is a constant of this crate")]
fn expression(pattern: &str) -> regex::Regex {
    regex::RegexBuilder::new(pattern).size_limit(64 << 20).build().expect("a pattern of this crate compiles")
}

/// Whether a letter or digit stands right before this byte.
fn follows_word(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Whether a letter or digit stands at this byte.
fn precedes_word(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(char::is_alphanumeric)
}

/// At most so many bytes before a place, cut between characters.
fn before(text: &str, at: usize, bytes: usize) -> &str {
    let mut start = at.saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..at]
}

#[cfg(test)]
mod tests;
