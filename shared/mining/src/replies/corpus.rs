//! Facts, values and names, told apart over many replies.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use romashka_types::reply::{Slot, SlotSource, ValueKind};
use xxhash_rust::xxh3::xxh3_64;

use super::boilerplate::Boilerplate;
use super::reading::ReadReply;
use crate::recognise::{PLACEHOLDERS, Recognised, may_be_name, precedes_name, says_yes_or_no};
use crate::tokens::{Kind, Token, begins_sentence, key_of, normal, tokens};

/// Conversations from which a value is a fact of the business: its address, its price, its deadline.
const SHARED_BY: usize = 3;
/// Digits up to which a number is a count ("3 days") and stays.
const COUNT_DIGITS: usize = 2;
/// Digits from which a number behind a word such as "order" is that of one order.
const IDENTIFIER_DIGITS: usize = 4;
/// One word in so many with a capital in the middle of a sentence is the way of German, where nouns have one.
const CAPITALS_OF_GERMAN: u64 = 6;
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
const IDENTIFIERS: [(&str, &str); 37] = [
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
    ("ticket", "reference.number"),
    ("booking", "reference.number"),
    ("confirmation", "reference.number"),
    ("reference", "reference.number"),
    ("reserv", "reference.number"),
    ("case", "reference.number"),
    ("account", "reference.number"),
    ("buchung", "reference.number"),
    ("kunden", "reference.number"),
    ("vorgang", "reference.number"),
    ("reserva", "reference.number"),
    ("брон", "reference.number"),
    ("билет", "reference.number"),
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
    /// Conversations of each value, and of each word with a capital in the middle of a sentence, at most [`SHARED_BY`] of
    /// them, as hashes.
    values: BTreeMap<u64, BTreeSet<u64>>,
    /// Numbers and identifiers that customers brought: they are nobody else's.
    asked: HashSet<u64>,
    /// Words in the middle of sentences, and those of them with a capital.
    middle: (u64, u64),
    boilerplate: Boilerplate,
}

impl Corpus {
    /// Takes a reply of a conversation in, with the question that it answers.
    pub fn observe(&mut self, conversation: &str, question: &str, reply: &ReadReply) {
        for token in tokens(question) {
            if matches!(token.kind, Kind::Value(Recognised::Id | Recognised::Number)) {
                self.asked.insert(value_key(token.of(question)));
            }
        }
        self.names.extend(reply.names.iter().filter(|name| may_be_name(name)).cloned());
        if let Some(introduction) = INTRODUCTION.as_ref() {
            let introduced = introduction.captures_iter(&reply.body).filter_map(|found| found.get(1));
            self.names.extend(introduced.map(|name| name.as_str().to_owned()));
        }
        self.boilerplate.observe(&reply.body);
        let tokens = tokens(&reply.body);
        self.observe_relatives(question, reply, &tokens);
        let conversation = xxh3_64(conversation.as_bytes());
        for (at, token) in tokens.iter().enumerate() {
            let written = token.of(&reply.body);
            if token.kind == Kind::Word && !begins_sentence(&reply.body, &tokens, at) {
                self.middle.0 += 1;
                if written.starts_with(char::is_uppercase) {
                    self.middle.1 += 1;
                    self.shared(value_key(written), conversation);
                }
            }
            match token.kind {
                Kind::Word if written.starts_with(char::is_lowercase) => {
                    self.small.insert(key_of(written));
                }
                Kind::Word if may_be_name(written) && is_addressed(&reply.body, &tokens, at) => {
                    self.addressed.insert(written.to_owned());
                }
                Kind::Value(Recognised::Name | Recognised::Placeholder(_)) | Kind::Word | Kind::Mark => {}
                Kind::Value(_) => self.shared(value_key(written), conversation),
            }
        }
    }

    /// Takes in first names that a customer wrote before the surname in the salutation or signature, where the reply repeats
    /// them: "my daughter Emilia Roth", answered with "Dear Mr Roth, … that Emilia …".
    fn observe_relatives(&mut self, question: &str, reply: &ReadReply, of_body: &[Token]) {
        let asked = tokens(question);
        for pair in asked.windows(2) {
            let (first, last) = (pair[0].of(question), pair[1].of(question));
            let is_relative = may_be_name(first)
                && !precedes_name(&normal(first))
                && reply.names.iter().any(|name| name == last)
                && of_body.iter().any(|token| token.of(&reply.body) == first);
            if is_relative {
                self.names.insert(first.to_owned());
            }
        }
    }

    /// Notes that a conversation has a value. Of more than enough conversations the least hashes are kept, so that the order
    /// of replies changes nothing.
    fn shared(&mut self, value: u64, conversation: u64) {
        let known = self.values.entry(value).or_default();
        known.insert(conversation);
        if known.len() > SHARED_BY {
            known.pop_last();
        }
    }

    /// Returns true for a word that names somebody or something of one conversation: written with a capital in the middle of
    /// a sentence, never small, and in fewer than [`SHARED_BY`] conversations. Where many words have capitals, as in German,
    /// a capital tells nothing.
    fn is_particular(&self, body: &str, tokens: &[Token], at: usize) -> bool {
        let written = tokens[at].of(body);
        let (words, capitals) = self.middle;
        capitals * CAPITALS_OF_GERMAN < words
            && may_be_name(written)
            && written.chars().count() > 1
            && !begins_sentence(body, tokens, at)
            && !self.small.contains(&key_of(written))
            && !self.is_fact(written)
    }

    /// Returns true for a word that names a person wherever it stands.
    fn is_name(&self, word: &str) -> bool {
        self.names.contains(word) && !self.small.contains(&key_of(word))
    }

    fn is_fact(&self, written: &str) -> bool {
        self.values.get(&value_key(written)).is_some_and(|conversations| conversations.len() >= SHARED_BY)
    }

    /// Drops boilerplate and turns what is true of one conversation into slots. `question` is the customer's message that was replied to.
    #[must_use]
    pub fn generalise(&self, body: &str, question: &str) -> Generalised {
        let asked = question.to_lowercase();
        let body = self.boilerplate.strip(body);
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
                    && (self.names.contains(written) || !self.small.contains(&key_of(written)))
                    && is_addressed(body, tokens, at);
                if !is_addressed && !self.is_name(written) && !self.is_particular(body, tokens, at) {
                    return None;
                }
                let more =
                    tokens[next..].iter().take_while(|token| token.kind == Kind::Word && self.is_name(token.of(body)));
                let name = if is_addressed { "customer.first_name" } else { name_of_person(body, tokens, at) };
                Some((next + more.count(), ValueKind::Name, name.to_owned()))
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
                    None if self.is_fact(written) && !self.asked.contains(&value_key(written)) => None,
                    Some(base) => one(ValueKind::Identifier, base),
                    None if matches!(token.kind, Kind::Value(Recognised::Id)) => {
                        one(ValueKind::Identifier, "reference.number")
                    }
                    None => one(ValueKind::Number, "number"),
                }
            }
            // Many parcels arrive on the same day, and none of tomorrow's does.
            Kind::Value(Recognised::Date) => one(ValueKind::Date, "date"),
            Kind::Value(_) if self.is_fact(written) => None,
            Kind::Value(Recognised::Money) => one(ValueKind::Amount, "amount"),
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
    written.chars().filter(|char| char.is_numeric()).count()
}

fn value_key(written: &str) -> u64 {
    xxh3_64(normal(written).as_bytes())
}

/// Returns true for a word before a comma or alone on its line at the beginning, or behind a comma before the mark that ends
/// a sentence.
fn is_addressed(body: &str, tokens: &[Token], at: usize) -> bool {
    let mark = |at: usize, marks: &[&str]| tokens.get(at).is_some_and(|token| marks.contains(&token.of(body)));
    let fills_line = || mark(1, &[":"]) && body[tokens[1].range().end..].starts_with('\n');
    let opens = at == 0 && (mark(1, &[",", "!"]) || fills_line()) && !says_yes_or_no(tokens[at].of(body));
    let before = at.checked_sub(1).is_some_and(|before| mark(before, &[","]));
    opens || (before && (at + 1 == tokens.len() || mark(at + 1, &[".", "!", "?"])))
}

/// The variable of a person who is not addressed: the agent behind an introduction, else somebody.
fn name_of_person(body: &str, tokens: &[Token], at: usize) -> &'static str {
    let before = &body[..tokens[at].range().start];
    let is_introduced = INTRODUCTION.as_ref().is_some_and(|introduction| {
        introduction.find_iter(body).any(|found| found.start() < before.len() && found.end() > before.len())
    });
    if is_introduced { "agent.name" } else { "person.name" }
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
            corpus.observe(&number.to_string(), "", &read(reply));
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
            "We thank you, {{ customer.first_name }}! {{ person.name }} has sent the parcel to {{ person.name_2 }}."
        );
        assert!(generalised(&corpus, replies[1], "").text.starts_with("{{ customer.first_name }}, if you"));
        assert_eq!(generalised(&corpus, replies[2], "").text, "My name is {{ agent.name }} and I will help.");
    }

    #[test]
    fn what_is_of_one_conversation_stays_out_of_the_next() {
        let corpus = corpus(&[
            "Hi Will, the seat can be changed in the app at any time.",
            "Will, you can change the seat in the app.",
            "Your parcel was left with your neighbour Schmidt until you are back.",
            "Your confirmation code is X4F9ZT and it will be checked at the gate.",
            "It arrives on 12 May and will be left at the door.",
            "It arrives on 12 May and will be left at the desk.",
            "It arrives on 12 May and will be left at the gate.",
        ]);
        let slots =
            |reply: &str| generalised(&corpus, reply, "").slots.into_iter().map(|slot| slot.name).collect::<Vec<_>>();
        assert_eq!(slots("Will, you can change the seat in the app."), ["customer.first_name"]);
        assert_eq!(slots("It was left with your neighbour Schmidt."), ["person.name"]);
        assert_eq!(slots("Your confirmation code is X4F9ZT."), ["reference.number"]);
        assert_eq!(slots("It arrives on 12 May."), ["date"]);
    }

    #[test]
    fn a_name_alone_on_the_first_line_is_the_customers() {
        let corpus = corpus(&["Lourdes:\nLa reconexión es gratis hasta el 15.", "Horario: de nueve a seis."]);
        let generalised = |reply: &str| corpus.generalise(reply, "").text;
        assert_eq!(
            generalised("Lourdes:\nLa reconexión es gratis."),
            "{{ customer.first_name }}:\nLa reconexión es gratis."
        );
        assert_eq!(generalised("Horario: de nueve a seis."), "Horario: de nueve a seis.");
    }

    #[test]
    fn somebody_of_the_customers_family_is_named_nowhere() {
        let question = "Meine Tochter Emilia Roth hört leider auf, was muss ich tun? Andreas Roth";
        let reply =
            read("Guten Tag Herr Roth,\nschade, dass Emilia aufhört. Der Vertrag endet im Juli.\nGrüße\nJana Lorenz");
        let mut corpus = Corpus::default();
        corpus.observe("1", question, &reply);
        let text = corpus.generalise(&reply.body, question).text;
        assert_eq!(text, "schade, dass {{ person.name }} aufhört. Der Vertrag endet im Juli.");
    }

    #[test]
    fn a_word_that_is_written_small_elsewhere_is_no_name() {
        let corpus = corpus(&["Hi Mark, done and dusted now.", "Please mark the box. Mark the other one too."]);
        assert_eq!(generalised(&corpus, "Mark the box with a pen.", "").text, "Mark the box with a pen.");
    }
}
