//! Facts, values and names, told apart over many replies.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use romashka_types::reply::{Slot, SlotSource, ValueKind};
use xxhash_rust::xxh3::xxh3_64;

use super::reading::ReadReply;
use crate::recognise::{PLACEHOLDERS, Recognised, may_be_name};
use crate::tokens::{Kind, Token, key_of, normal, tokens};

/// Conversations from which a value is a fact of the business: its address, its price, its deadline.
const SHARED_BY: usize = 3;
/// Digits up to which a number is a count ("3 days") and stays.
const COUNT_DIGITS: usize = 2;
/// Digits from which a number behind a word such as "order" is that of one order.
const IDENTIFIER_DIGITS: usize = 4;
/// Words before an identifier that are searched for its kind.
const LOOK_BACK: usize = 5;

/// Introductions before a name.
static INTRODUCTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:(?i:my name is|this is|i am|i'm|mein name ist|ich bin|me llamo|mi nombre es|soy|меня зовут|je m'appelle|mi chiamo|meu nome é|nazywam się|mijn naam is|ik ben))\s+(\p{Lu}\p{Ll}+)",
    )
    .ok()
});

/// Words before an identifier, by their beginnings, and the variable they make of it.
const IDENTIFIERS: [(&str, &str); 24] = [
    ("track", "tracking.number"),
    ("sendung", "tracking.number"),
    ("seguimiento", "tracking.number"),
    ("трек", "tracking.number"),
    ("invoice", "invoice.number"),
    ("bill", "invoice.number"),
    ("rechnung", "invoice.number"),
    ("factura", "invoice.number"),
    ("счет", "invoice.number"),
    ("счёт", "invoice.number"),
    ("flight", "flight.number"),
    ("flug", "flight.number"),
    ("vuelo", "flight.number"),
    ("рейс", "flight.number"),
    ("order", "order.number"),
    ("purchase", "order.number"),
    ("bestell", "order.number"),
    ("auftrag", "order.number"),
    ("pedido", "order.number"),
    ("compra", "order.number"),
    ("заказ", "order.number"),
    ("commande", "order.number"),
    ("ordine", "order.number"),
    ("zamówieni", "order.number"),
];

/// A reply in which what is true of one conversation is a slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generalised {
    /// The text, with `{{ name }}` for each slot.
    pub text: String,
    /// The slots, by name.
    pub slots: Vec<Slot>,
}

/// Names and values seen in the replies of a team. The order of replies changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Names in salutations, signatures and introductions.
    names: BTreeSet<String>,
    /// Words before a comma at the beginning of a reply, or behind one at the end of a sentence.
    addressed: BTreeSet<String>,
    /// Hashes of words that were seen written small.
    small: HashSet<u64>,
    /// Conversations of each value, at most [`SHARED_BY`] of them, as hashes.
    values: BTreeMap<u64, BTreeSet<u64>>,
}

impl Corpus {
    /// Takes a reply of a conversation in.
    pub fn observe(&mut self, conversation: &str, reply: &ReadReply) {
        self.names.extend(reply.names.iter().filter(|name| may_be_name(name)).cloned());
        if let Some(introduction) = INTRODUCTION.as_ref() {
            let introduced = introduction.captures_iter(&reply.body).filter_map(|found| found.get(1));
            self.names.extend(introduced.map(|name| name.as_str().to_owned()));
        }
        let tokens = tokens(&reply.body);
        let conversation = xxh3_64(conversation.as_bytes());
        for (at, token) in tokens.iter().enumerate() {
            let written = token.of(&reply.body);
            match token.kind {
                Kind::Word if written.starts_with(char::is_lowercase) => {
                    self.small.insert(key_of(written));
                }
                Kind::Word if may_be_name(written) && is_addressed(&reply.body, &tokens, at) => {
                    self.addressed.insert(written.to_owned());
                }
                Kind::Value(Recognised::Name | Recognised::Placeholder(_)) | Kind::Word | Kind::Mark => {}
                Kind::Value(_) => {
                    let known = self.values.entry(value_key(written)).or_default();
                    // Of more the least hashes are kept, so that the order of replies changes nothing.
                    known.insert(conversation);
                    if known.len() > SHARED_BY {
                        known.pop_last();
                    }
                }
            }
        }
    }

    /// Returns true for a word that names a person wherever it stands.
    fn is_name(&self, word: &str) -> bool {
        self.names.contains(word) && !self.small.contains(&key_of(word))
    }

    fn is_fact(&self, written: &str) -> bool {
        self.values.get(&value_key(written)).is_some_and(|conversations| conversations.len() >= SHARED_BY)
    }

    /// Turns what is true of one conversation into slots. `question` is the customer's message that was replied to.
    #[must_use]
    pub fn generalise(&self, body: &str, question: &str) -> Generalised {
        let asked = question.to_lowercase();
        let tokens = tokens(body);
        let mut generalised = Generalised::default();
        let mut values: Vec<(String, String)> = Vec::new();
        let mut written_to = 0;
        let mut at = 0;
        while at < tokens.len() {
            let Some((end, kind, base)) = self.slot_at(body, &tokens, at) else {
                at += 1;
                continue;
            };
            let range = tokens[at].range().start..tokens[end - 1].range().end;
            let value = body[range.clone()].to_lowercase();
            let name = match values.iter().find(|(_, known)| *known == value) {
                Some((name, _)) => name.clone(),
                None => {
                    let alike = values.iter().filter(|(name, _)| is_numbered(name, &base)).count();
                    let name = if alike == 0 { base } else { format!("{base}_{}", alike + 1) };
                    let source = if kind != ValueKind::Name && asked.contains(&value) {
                        SlotSource::Question
                    } else {
                        SlotSource::Agent
                    };
                    generalised.slots.push(Slot { name: name.clone(), kind, source });
                    values.push((name.clone(), value));
                    name
                }
            };
            generalised.text.push_str(&body[written_to..range.start]);
            generalised.text.push_str(&format!("{{{{ {name} }}}}"));
            written_to = range.end;
            at = end;
        }
        generalised.text.push_str(&body[written_to..]);
        generalised.slots.sort_unstable();
        generalised
    }

    /// The slot that begins at a token: its end, its kind and the name it would have alone.
    fn slot_at(&self, body: &str, tokens: &[Token], at: usize) -> Option<(usize, ValueKind, String)> {
        let token = &tokens[at];
        let written = token.of(body);
        let next = at + 1;
        let one = |kind, name: &str| Some((next, kind, name.to_owned()));
        match token.kind {
            Kind::Mark => None,
            Kind::Word => {
                let is_addressed = self.addressed.contains(written)
                    && !self.small.contains(&key_of(written))
                    && is_addressed(body, tokens, at);
                if !is_addressed && !self.is_name(written) {
                    return None;
                }
                let more =
                    tokens[next..].iter().take_while(|token| token.kind == Kind::Word && self.is_name(token.of(body)));
                Some((next + more.count(), ValueKind::Name, name_of_person(body, tokens, at).to_owned()))
            }
            Kind::Value(Recognised::Placeholder(place)) => one(ValueKind::Hidden, PLACEHOLDERS[usize::from(place)]),
            Kind::Value(Recognised::Name) => one(ValueKind::Name, "customer.first_name"),
            Kind::Value(Recognised::Percent) => None,
            Kind::Value(Recognised::Number) if digits(written) <= COUNT_DIGITS => None,
            Kind::Value(Recognised::Id | Recognised::Number) => {
                // The number of an order is nobody else's, however often it was repeated.
                let base = identifier(body, tokens, at);
                match base {
                    Some(_) if digits(written) < IDENTIFIER_DIGITS && self.is_fact(written) => None,
                    None if self.is_fact(written) => None,
                    Some(base) => one(ValueKind::Identifier, base),
                    None if matches!(token.kind, Kind::Value(Recognised::Id)) => {
                        one(ValueKind::Identifier, "reference.number")
                    }
                    None => one(ValueKind::Number, "number"),
                }
            }
            Kind::Value(_) if self.is_fact(written) => None,
            Kind::Value(Recognised::Money) => one(ValueKind::Amount, "amount"),
            Kind::Value(Recognised::Date) => one(ValueKind::Date, "date"),
            Kind::Value(Recognised::Time) => one(ValueKind::Time, "time"),
            Kind::Value(Recognised::Link) => one(ValueKind::Link, "link"),
            Kind::Value(Recognised::Email) => one(ValueKind::Email, "email"),
            Kind::Value(Recognised::Phone) => one(ValueKind::Phone, "phone"),
        }
    }
}

/// Returns true for names that [`Corpus::generalise`] gives to values of one base.
fn is_numbered(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn digits(written: &str) -> usize {
    written.bytes().filter(u8::is_ascii_digit).count()
}

fn value_key(written: &str) -> u64 {
    xxh3_64(normal(written).as_bytes())
}

/// Returns true for a word before a comma at the beginning, or behind a comma before the mark that ends a sentence.
fn is_addressed(body: &str, tokens: &[Token], at: usize) -> bool {
    let mark = |at: usize, marks: &[&str]| tokens.get(at).is_some_and(|token| marks.contains(&token.of(body)));
    let opens = at == 0 && mark(1, &[",", "!"]);
    let before = at.checked_sub(1).is_some_and(|before| mark(before, &[","]));
    opens || (before && (at + 1 == tokens.len() || mark(at + 1, &[".", "!", "?"])))
}

/// The variable of a person: the agent behind an introduction, else the customer.
fn name_of_person(body: &str, tokens: &[Token], at: usize) -> &'static str {
    let before = &body[..tokens[at].range().start];
    let is_introduced = INTRODUCTION.as_ref().is_some_and(|introduction| {
        introduction.find_iter(body).any(|found| found.start() < before.len() && found.end() > before.len())
    });
    if is_introduced { "agent.name" } else { "customer.first_name" }
}

/// The variable of an identifier, by the nearest word before it that tells.
fn identifier(body: &str, tokens: &[Token], at: usize) -> Option<&'static str> {
    let before: Range<usize> = at.saturating_sub(LOOK_BACK)..at;
    before.rev().find_map(|before| {
        let word = normal(tokens[before].of(body));
        IDENTIFIERS.iter().find(|(beginning, _)| word.starts_with(beginning)).map(|(_, name)| *name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::read;

    fn corpus(replies: &[&str]) -> Corpus {
        let mut corpus = Corpus::default();
        for (number, reply) in replies.iter().enumerate() {
            corpus.observe(&number.to_string(), &read(reply));
        }
        corpus
    }

    fn generalised(corpus: &Corpus, reply: &str, question: &str) -> Generalised {
        corpus.generalise(&read(reply).body, question)
    }

    #[test]
    fn a_value_of_three_conversations_is_a_fact_and_one_of_one_is_a_slot() {
        let replies = [
            "Hi Anna, you can return order AB-1043 within 120 days. Best, Tom",
            "Hi Ben, you can return order AB-2201 within 120 days. Best, Tom",
            "Hi Cleo, you can return order XK-9310 within 120 days. Best, Tom",
        ];
        let corpus = corpus(&replies);
        let generalised = generalised(&corpus, replies[0], "May I return AB-1043?");
        assert_eq!(generalised.text, "you can return order {{ order.number }} within 120 days.");
        assert_eq!(
            generalised.slots,
            [Slot { name: "order.number".to_owned(), kind: ValueKind::Identifier, source: SlotSource::Question }]
        );
    }

    #[test]
    fn names_are_found_by_place_and_masked_everywhere() {
        let replies = [
            "Hello Felix, thanks for waiting.\nKind regards,\nMarta",
            "Brian, if you would like to do that, use your miles.",
            "My name is Ines and I will help.",
            "We thank you, Eileen! Marta has sent the parcel to Felix.",
            "use miles if you would like to",
        ];
        let corpus = corpus(&replies);
        assert_eq!(
            generalised(&corpus, replies[3], "").text,
            "We thank you, {{ customer.first_name }}! {{ customer.first_name_2 }} has sent the parcel to {{ customer.first_name_3 }}."
        );
        assert!(generalised(&corpus, replies[1], "").text.starts_with("{{ customer.first_name }}, if you"));
        assert_eq!(generalised(&corpus, replies[2], "").text, "My name is {{ agent.name }} and I will help.");
    }

    #[test]
    fn a_word_that_is_written_small_elsewhere_is_no_name() {
        let corpus = corpus(&["Hi Mark, done and dusted now.", "Please mark the box. Mark the other one too."]);
        assert_eq!(generalised(&corpus, "Mark the box with a pen.", "").text, "Mark the box with a pen.");
    }
}
