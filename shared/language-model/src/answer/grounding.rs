//! The comparison of an answer with what it cites.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::instructions::looks_like_instructions;
use super::text::{plain, spaced};
use super::values::{After, Date, Link, Number, Side, Unit, Value, read};
use super::words::{is_common, is_common_part, is_verb_of_subject, without_particle};

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A number without a unit, or with one of time.
    Number,
    /// An amount of money.
    Money,
    /// A percentage.
    Percentage,
    /// A date, a month or a weekday.
    Date,
    /// A web address or domain.
    Link,
    /// An e-mail address or the name of an account with `@`.
    Email,
    /// A telephone number.
    Phone,
    /// An account number such as an IBAN.
    Account,
    /// A token of letters and digits, such as an order number, or of words joined by underscores.
    Code,
    /// A capitalised word that may be a person, a company or a product.
    Name,
    /// A word in a script without capital letters, or in several scripts.
    Script,
    /// HTML, a Markdown link or a tag of Liquid.
    Markup,
    /// A variable in braces.
    Placeholder,
}

impl Kind {
    /// One word for a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Money => "money",
            Self::Percentage => "percentage",
            Self::Date => "date",
            Self::Link => "link",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Account => "account",
            Self::Code => "code",
            Self::Name => "name",
            Self::Script => "script",
            Self::Markup => "markup",
            Self::Placeholder => "placeholder",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The reason for which an answer is not grounded. It holds no text of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the language model's answer holds a {kind} that no cited source has, and {others} more such values")]
pub struct Ungrounded {
    /// Kind of the first value that stands nowhere.
    pub kind: Kind,
    /// Number of further values that stand nowhere.
    pub others: usize,
}

/// Compares each value of an answer with the texts that it cites and with what the customer said.
///
/// Of `cited` everything counts, titles included. Of `said`, the customer's messages, only what a customer may bring into an
/// answer counts: numbers in digits without a unit, dates, codes and words. Links, addresses, telephone and account numbers,
/// percentages, periods and amounts of money do not, or a customer could word a promise or a phishing page for the company
/// to make. A message that
/// [looks like instructions](looks_like_instructions) gives nothing.
///
/// An answer that stands word for word in one cited text is grounded whatever it holds.
///
/// | value | counts as the same |
/// |---|---|
/// | number | whatever its separators (`1,000.50`, `1.000,50`, `1 000,5`) and words up to twenty and tens (en, de, es, ru); with the same unit of time, or without unit; business days are days |
/// | money, percentage | the same number and currency |
/// | date | day, month and year that the answer gives; `03/04/2026` only as it stands |
/// | link | the same host and path; the host alone where a source has any page of it; `http:` only where a source has that |
/// | e-mail, phone, account, code | the same letters and digits, whatever case, spaces and hyphens |
///
/// # Names
///
/// A capitalised word counts as a name unless it is common (a list in en, de, es, ru), stands in a text, is an inflection or
/// a relative of a word there that is written small, or is a compound of such words. German nouns are judged in the same
/// way. The first word of a sentence counts as a name only where it looks like one: it has a second capital, is followed by a
/// capitalised word, a comma or a verb in the third person, or is the whole sentence.
///
/// The rule errs on the side of refusing: an ordinary German noun that the sources lack makes an answer ungrounded, and so
/// does one in a language without capital letters. That costs answers, which the extractive ones replace. It does not see
/// names in lower case, names that begin like a word of a source, nor every name at the start of a sentence.
///
/// # Errors
/// [`Ungrounded`] tells the first kind of value that stands nowhere.
pub fn grounded(answer: &str, cited: &[&str], said: &[&str]) -> Result<(), Ungrounded> {
    let words = spaced(&plain(answer));
    if cited.iter().any(|text| spaced(&plain(text)).contains(&words)) {
        return Ok(());
    }
    let ground = Ground::of(cited, said);
    let mut missing = read(answer, Side::Answer).into_iter().filter_map(|value| ground.missing(&value));
    match missing.next() {
        None => Ok(()),
        Some(kind) => Err(Ungrounded { kind, others: missing.count() }),
    }
}

/// Compares the links and e-mail addresses of an answer with domains.
pub(super) fn within_domains(answer: &str, domains: &[&str]) -> Result<(), Ungrounded> {
    let is_within = |host: &str| {
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        domains.iter().map(|domain| domain.to_lowercase()).any(|domain| {
            host.strip_suffix(&*domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
                && !domain.is_empty()
                && !host.contains('@')
        })
    };
    let mut outside = read(answer, Side::Answer).into_iter().filter_map(|value| match value {
        Value::Link(link) if !is_within(&link.host) => Some(Kind::Link),
        Value::Email(address) if !address.rsplit_once('@').is_some_and(|(_, host)| is_within(host)) => {
            Some(Kind::Email)
        }
        _ => None,
    });
    match outside.next() {
        None => Ok(()),
        Some(kind) => Err(Ungrounded { kind, others: outside.count() }),
    }
}

/// The values that an answer may have.
#[derive(Default)]
struct Ground {
    /// By digits: the units that they stand with.
    numbers: BTreeMap<String, BTreeSet<Option<Unit>>>,
    dates: Vec<Date>,
    weekdays: BTreeSet<u8>,
    links: Vec<Link>,
    emails: BTreeSet<String>,
    phones: BTreeSet<String>,
    accounts: BTreeSet<String>,
    codes: BTreeSet<String>,
    markup: BTreeSet<String>,
    placeholders: BTreeSet<String>,
    /// In lower case, and whether they are written so somewhere.
    words: BTreeMap<String, Spelling>,
    /// All of it, in lower case, for scripts that do not separate words.
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    Capitalised,
    Small,
}

impl Ground {
    fn of(cited: &[&str], said: &[&str]) -> Self {
        let mut ground = Self::default();
        for text in cited {
            ground.add(text, Side::Source, |_| true);
        }
        for text in said.iter().filter(|text| !looks_like_instructions(text)) {
            ground.add(text, Side::Customer, |value| match value {
                Value::Number(number) => number.unit.is_none(),
                Value::Date(_) | Value::Weekday(_) | Value::Code(_) | Value::Word(_) => true,
                _ => false,
            });
        }
        ground
    }

    fn add(&mut self, text: &str, side: Side, is_accepted: fn(&Value) -> bool) {
        for value in read(text, side).into_iter().filter(is_accepted) {
            match value {
                Value::Number(Number { digits, unit }) => {
                    self.numbers.entry(digits).or_default().insert(unit);
                }
                Value::Date(date) => self.dates.push(date),
                Value::Weekday(day) => {
                    self.weekdays.insert(day);
                }
                Value::Link(link) => self.links.push(link),
                Value::Email(address) => {
                    self.emails.insert(address);
                }
                Value::Phone(digits) => {
                    self.phones.insert(digits);
                }
                Value::Account(account) => {
                    self.accounts.insert(account);
                }
                Value::Code(code) => {
                    self.codes.insert(code);
                }
                Value::Markup(tag) => {
                    self.markup.insert(tag);
                }
                Value::Placeholder(name) => {
                    self.placeholders.insert(name);
                }
                Value::Word(word) | Value::Opening(word, _) => {
                    let lower = word.to_lowercase();
                    let spelling = if lower == word { Spelling::Small } else { Spelling::Capitalised };
                    let known = self.words.entry(lower).or_insert(spelling);
                    *known = spelling.max(*known);
                }
            }
        }
        self.text.push_str(&plain(text).to_lowercase());
        self.text.push('\n');
    }

    /// Returns the kind of a value that stands nowhere; `None` where it does.
    fn missing(&self, value: &Value) -> Option<Kind> {
        let unless = |is_there: bool, kind: Kind| (!is_there).then_some(kind);
        match value {
            Value::Number(number) => unless(self.has_number(number), kind_of(number)),
            Value::Date(date) => unless(self.dates.iter().any(|known| known.covers(*date)), Kind::Date),
            Value::Weekday(day) => unless(self.weekdays.contains(day), Kind::Date),
            Value::Link(link) => unless(self.has_link(link), Kind::Link),
            Value::Email(address) => unless(self.emails.contains(address), Kind::Email),
            Value::Phone(digits) => unless(self.has_phone(digits), Kind::Phone),
            Value::Account(account) => unless(self.accounts.contains(account), Kind::Account),
            Value::Code(code) => unless(self.codes.contains(code), Kind::Code),
            Value::Markup(tag) => unless(self.markup.contains(tag), Kind::Markup),
            Value::Placeholder(name) => unless(self.placeholders.contains(name), Kind::Placeholder),
            Value::Word(word) => self.missing_word(word),
            Value::Opening(word, after) => {
                self.missing_word(word).filter(|kind| *kind != Kind::Name || may_be_name(word, after))
            }
        }
    }

    fn has_number(&self, number: &Number) -> bool {
        let Some(units) = self.numbers.get(&number.digits) else { return false };
        let is_same = |unit: &Option<Unit>| match number.unit {
            None => !unit.is_some_and(Unit::is_share_or_money),
            Some(_) => *unit == number.unit,
        };
        units.iter().any(is_same)
    }

    fn has_phone(&self, digits: &str) -> bool {
        self.phones.contains(digits) || self.numbers.contains_key(digits)
    }

    fn has_link(&self, link: &Link) -> bool {
        self.links.iter().any(|known| {
            let is_web = |scheme: &str| matches!(scheme, "" | "http:" | "https:");
            let is_scheme =
                known.scheme == link.scheme || is_web(&known.scheme) && matches!(&*link.scheme, "" | "https:");
            is_scheme && known.host == link.host && (known.rest == link.rest || link.rest.is_empty())
        })
    }

    fn missing_word(&self, word: &str) -> Option<Kind> {
        let lower = word.to_lowercase();
        if self.words.contains_key(&lower) {
            return None;
        }
        match script(word) {
            Script::Mixed => return Some(Kind::Script),
            Script::Caseless => return (!self.text.contains(&lower)).then_some(Kind::Script),
            Script::Cased => {}
        }
        if !word.chars().any(char::is_uppercase) {
            return None;
        }
        // "Anna's" is Anna.
        let stem = CONTRACTIONS.iter().find_map(|ending| lower.strip_suffix(ending)).unwrap_or(&lower);
        (!self.is_known(&lower) && !self.is_known(stem)).then_some(Kind::Name)
    }

    fn is_known(&self, word: &str) -> bool {
        let is_near = |word: &str| is_common(word) || self.words.contains_key(word) || self.has_relative(word);
        is_near(word) || self.is_compound(word) || self.is_head(word) || without_particle(word).is_some_and(is_near)
    }

    /// Returns true if a text has the word in another form.
    fn has_relative(&self, word: &str) -> bool {
        let beginning: String = word.chars().take(3).collect();
        let alike = self.words.range(beginning.clone()..).take_while(|(known, _)| known.starts_with(&beginning));
        alike.into_iter().any(|(known, spelling)| are_related(word, known, *spelling))
    }

    /// Returns true for the last part of a compound that a text has, such as "Etikett" of "Rücksendeetikett".
    fn is_head(&self, word: &str) -> bool {
        let length = word.chars().count();
        let is_of = |known: &String| known.ends_with(word) && known.chars().count() >= length + 4;
        length >= 5 && self.words.keys().any(is_of)
    }

    /// Returns true for a long word that two known words make, such as "Rücksendeetikett".
    fn is_compound(&self, word: &str) -> bool {
        let length = word.chars().count();
        if !(8..=MAX_COMPOUND_CHARS).contains(&length) {
            return false;
        }
        let is_part = |part: &str| is_common_part(part) || self.words.contains_key(part) || self.has_relative(part);
        let splits = word.char_indices().skip(4).take(length - 7);
        splits.into_iter().any(|(at, _)| is_part(&word[..at]) && is_part(&word[at..]))
    }
}

/// Longest word that may be a compound, in characters.
const MAX_COMPOUND_CHARS: usize = 60;

fn kind_of(number: &Number) -> Kind {
    match number.unit {
        Some(Unit::Money(_)) => Kind::Money,
        Some(Unit::Percent) => Kind::Percentage,
        _ => Kind::Number,
    }
}

/// Endings of nouns and names in English, German and Spanish; the same word has none.
const INFLECTIONS: [&str; 8] = ["", "s", "es", "n", "en", "e", "er", "ern"];

/// Returns true if two words in lower case are forms of one.
///
/// With a word that is written small somewhere, a common beginning of four letters and three fifths is enough. A word that is
/// only known capitalised may be a name, and of that only endings may differ: "Andrew" is not "Andrea".
fn are_related(word: &str, known: &str, spelling: Spelling) -> bool {
    let common = word.chars().zip(known.chars()).take_while(|(one, other)| one == other).count();
    let lengths = [word.chars().count(), known.chars().count()];
    let [shorter, longer] = [lengths[0].min(lengths[1]), lengths[0].max(lengths[1])];
    let ending: String = [word, known].map(|form| form.chars().skip(common).collect::<String>()).concat();
    let is_cyrillic = word.chars().all(|sign| ('\u{400}'..='\u{4FF}').contains(&sign));
    match spelling {
        // Russian names have cases, whose endings replace one another.
        _ if is_cyrillic && common >= 3 && shorter >= 4 && longer - common <= 2 => true,
        Spelling::Small => common >= 4 && common * 5 >= longer * 3 && longer - common <= 4,
        Spelling::Capitalised => common >= 4 && common == shorter && INFLECTIONS.contains(&&*ending),
    }
}

/// Returns true if the first word of a sentence looks like a name: by a second capital letter, or because it is a sentence
/// of its own, is set off by a comma, owns something, or does something.
fn may_be_name(word: &str, after: &After) -> bool {
    let is_adverb = ADVERB_ENDINGS.iter().any(|ending| word.ends_with(ending));
    let is_plural = word.ends_with('s');
    let is_adjective = ADJECTIVE_ENDINGS.iter().any(|ending| word.ends_with(ending));
    let by_what_follows = match after {
        After::End => true,
        After::Sign => !is_adverb,
        After::Value => false,
        After::Word(next) => {
            let lower = next.to_lowercase();
            is_verb_of_subject(&lower) && !is_plural || *next != lower && !is_common(&lower) && !is_adjective
        }
    };
    by_what_follows || word.ends_with("'s") || word.chars().skip(1).any(char::is_uppercase)
}

/// Endings of German adjectives, which stand before capitalised nouns.
const ADJECTIVE_ENDINGS: [&str; 5] = ["e", "en", "er", "es", "em"];

/// Contractions and possessives of English.
const CONTRACTIONS: [&str; 8] = ["'s", "'ll", "'re", "'ve", "'d", "'m", "n't", "'"];

/// Endings of adverbs in English, German, Spanish and Russian.
const ADVERB_ENDINGS: [&str; 5] = ["ly", "weise", "lich", "mente", "но"];

enum Script {
    Cased,
    Caseless,
    Mixed,
}

fn script(word: &str) -> Script {
    let letters = || word.chars().filter(|sign| sign.is_alphabetic());
    // The alphabets whose letters look like those of another.
    let alphabets: BTreeSet<u8> = letters()
        .filter_map(|sign| match sign {
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' => Some(0),
            '\u{370}'..='\u{3FF}' => Some(1),
            '\u{400}'..='\u{52F}' => Some(2),
            '\u{530}'..='\u{58F}' => Some(3),
            _ => None,
        })
        .collect();
    if alphabets.len() > 1 {
        return Script::Mixed;
    }
    // Letters without case among others, such as "º", say nothing.
    let is_caseless = |sign: char| !sign.is_lowercase() && !sign.is_uppercase();
    if letters().next().is_some() && letters().all(is_caseless) { Script::Caseless } else { Script::Cased }
}

#[cfg(test)]
mod tests;
