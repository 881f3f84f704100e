//! Names: of a variable, by the words beside it and what its values are; of a proposal, by its most telling words.

use std::collections::{BTreeSet, HashMap};

use crate::pattern::Piece;
use crate::recognise::{PLACEHOLDERS, Recognised};
use crate::tokens::normal;

/// Words of a title.
const TITLE_WORDS: usize = 4;
/// Characters of a title.
const MAX_TITLE_CHARS: usize = 80;
/// Words before a variable that are looked at.
const LOOK_BACK: usize = 4;
/// Words of a variable's name.
const NAME_WORDS: usize = 2;
/// Characters of a word that may be part of a name.
const WORD_CHARS: usize = 24;

/// Words that say nothing of what stands beside them.
pub(crate) const STOP_WORDS: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "been",
    "by",
    "can",
    "could",
    "did",
    "do",
    "for",
    "from",
    "had",
    "has",
    "have",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "just",
    "me",
    "my",
    "no",
    "not",
    "of",
    "on",
    "or",
    "our",
    "out",
    "please",
    "log",
    "takes",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "to",
    "up",
    "via",
    "was",
    "we",
    "were",
    "will",
    "with",
    "within",
    "would",
    "you",
    "your",
    "i'm",
    "we're",
    "i'll",
    "we'll",
    "you're",
    "it's",
    "don't",
    "any",
    "all",
    "so",
    "some",
    "through",
    "under",
    "until",
    "us",
    "which",
    "who",
    "how",
    "what",
    "when",
    "where",
    "but",
    "about",
    "after",
    "before",
    "called",
    "named",
    "labeled",
    "labelled",
    "titled",
    "over",
    "also",
    "am",
    "both",
    "either",
    "here",
    "hi",
    "hello",
    "dear",
    "hey",
    "let",
    "such",
    "than",
    "too",
    "very",
    "either",
    "named",
    "using",
    "like",
    "following",
    "aber",
    "als",
    "am",
    "an",
    "auf",
    "aus",
    "bei",
    "bis",
    "das",
    "dass",
    "dem",
    "den",
    "der",
    "des",
    "die",
    "ein",
    "eine",
    "einen",
    "einem",
    "einer",
    "es",
    "für",
    "hat",
    "ich",
    "ihr",
    "ihre",
    "ihren",
    "ihrem",
    "ihrer",
    "im",
    "ist",
    "mit",
    "nach",
    "nicht",
    "oder",
    "sie",
    "sind",
    "und",
    "uns",
    "unser",
    "unsere",
    "vom",
    "von",
    "war",
    "wenn",
    "wie",
    "wir",
    "wird",
    "zu",
    "zum",
    "zur",
    "hallo",
    "al",
    "con",
    "de",
    "del",
    "el",
    "en",
    "es",
    "está",
    "ha",
    "la",
    "las",
    "le",
    "lo",
    "los",
    "nos",
    "nuestro",
    "nuestra",
    "o",
    "para",
    "por",
    "que",
    "se",
    "su",
    "sus",
    "un",
    "una",
    "y",
    "hola",
    "estimado",
    "estimada",
    "без",
    "был",
    "была",
    "было",
    "в",
    "вам",
    "вас",
    "ваш",
    "ваша",
    "ваше",
    "вашего",
    "вы",
    "для",
    "до",
    "за",
    "и",
    "из",
    "или",
    "к",
    "как",
    "мы",
    "на",
    "наш",
    "не",
    "но",
    "о",
    "от",
    "по",
    "с",
    "со",
    "у",
    "что",
    "это",
];
/// Words by which a number is that of an order.
const ORDER_WORDS: &[&str] =
    &["order", "purchase", "bestellung", "bestellnummer", "auftrag", "pedido", "заказ", "заказа", "заказу"];
/// Words for a number that names something.
const NUMBER_WORDS: &[&str] = &["number", "id", "nummer", "número", "номер"];
/// Words of a closing, after which the agent signs.
const CLOSINGS: &[&str] =
    &["regards", "sincerely", "wishes", "cheers", "grüßen", "grüße", "saludos", "atentamente", "уважением"];
/// Marks that come before an agent's initials.
const SIGNING_MARKS: &[&str] = &["*", "^", "-", "–", "—", "~", "/"];
/// What the language itself takes a name for.
const RESERVED: &[&str] = &[
    "and", "or", "contains", "in", "true", "false", "nil", "null", "empty", "blank", "forloop", "now", "today", "with",
    "for", "if", "limit", "offset", "reversed", "size", "first", "last",
];

/// What is known of a variable when it is named.
pub(crate) struct Unnamed {
    /// The place of its first piece.
    pub at: usize,
    pub placeholder: Option<u8>,
    /// What most of its values are recognised as.
    pub recognised: Option<Recognised>,
}

/// Names for the variables of a pattern, each its own.
pub(crate) fn names(pieces: &[Piece], unnamed: &[Unnamed]) -> Vec<String> {
    names_beside(pieces, unnamed, BTreeSet::new())
}

/// The same beside names that are taken. What holds a value holds no others: beside `order.number` there is no `order`.
pub(crate) fn names_beside(pieces: &[Piece], unnamed: &[Unnamed], mut taken: BTreeSet<String>) -> Vec<String> {
    let wishes: Vec<String> = unnamed.iter().map(|one| wished(pieces, one)).collect();
    let is_above = |name: &str, other: &str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let mut names = Vec::with_capacity(unnamed.len());
    for wished in &wishes {
        let clashes = |name: &str, taken: &BTreeSet<String>| {
            taken.contains(name)
                || taken.iter().any(|other| is_above(name, other) || is_above(other, name))
                || wishes.iter().any(|other| is_above(name, other))
        };
        let mut name = wished.clone();
        let mut number = 2;
        while clashes(&name, &taken) {
            name = format!("{wished}_{number}");
            number += 1;
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// The name that what is known of a variable suggests.
pub(crate) fn wished(pieces: &[Piece], unnamed: &Unnamed) -> String {
    if let Some(known) = unnamed.placeholder.and_then(|place| PLACEHOLDERS.get(usize::from(place))) {
        return (*known).to_owned();
    }
    let before = before(pieces, unnamed.at);
    let content = content_before(&before);
    let near = |words: &[&str]| before.iter().any(|word| words.contains(&word.as_str()));
    let with = |kind: &str| match content.last() {
        Some(last) if last == kind => joined(&content),
        Some(last) => format!("{last}_{kind}"),
        None => kind.to_owned(),
    };
    let is_last = pieces[unnamed.at + 1..].iter().all(|piece| !matches!(piece, Piece::Literal { is_word: true, .. }));
    match unnamed.recognised {
        Some(Recognised::Name) => return "customer.name".to_owned(),
        Some(Recognised::Email) if near(&["your", "ihre", "su", "ваш"]) => return "customer.email".to_owned(),
        Some(Recognised::Email) => return "email".to_owned(),
        Some(Recognised::Phone) if near(&["your", "ihre", "su", "ваш"]) => return "customer.phone".to_owned(),
        Some(Recognised::Phone) => return "phone".to_owned(),
        Some(Recognised::Link) => return "link".to_owned(),
        Some(Recognised::Time) => return "time".to_owned(),
        Some(Recognised::Percent) => return "percentage".to_owned(),
        Some(Recognised::Date) => return with("date"),
        Some(Recognised::Money) => return with("amount"),
        Some(Recognised::Id | Recognised::Number) if near(ORDER_WORDS) => return "order.number".to_owned(),
        None if near(ORDER_WORDS) && content.last().is_some_and(|word| NUMBER_WORDS.contains(&word.as_str())) => {
            return "order.number".to_owned();
        }
        Some(Recognised::Id) if content.is_empty() => return "number".to_owned(),
        Some(Recognised::Number) => {
            // A number counts what follows it, unless what stands before says that it is one: "number 7 today".
            let counted = following(pieces, unnamed.at).filter(|_| !near(NUMBER_WORDS));
            return counted.or_else(|| (!content.is_empty()).then(|| joined(&content))).unwrap_or("number".to_owned());
        }
        Some(Recognised::Id | Recognised::Placeholder(_)) | None => {}
    }
    if is_last {
        if before.last().is_some_and(|word| CLOSINGS.contains(&word.as_str())) {
            return "agent.name".to_owned();
        }
        let is_signed = unnamed.at.checked_sub(1).is_some_and(|at| {
            matches!(&pieces[at], Piece::Literal { text, is_word: false, .. } if SIGNING_MARKS.contains(&text.as_str()))
        });
        if is_signed {
            return "signature".to_owned();
        }
    }
    let following = following(pieces, unnamed.at).filter(|_| unnamed.recognised.is_none());
    following.unwrap_or_else(|| if content.is_empty() { "value".to_owned() } else { joined(&content) })
}

/// The words before a variable in its sentence, the nearest last.
fn before(pieces: &[Piece], at: usize) -> Vec<String> {
    let mut words = Vec::new();
    for piece in pieces[..at].iter().rev() {
        match piece {
            Piece::Literal { is_word: true, text, begins_sentence, .. } => {
                words.push(normal(text));
                if *begins_sentence || words.len() == LOOK_BACK {
                    break;
                }
            }
            Piece::Literal { text, .. } if matches!(text.as_str(), "." | "!" | "?" | ";") => break,
            Piece::Literal { .. } => {}
            Piece::Slot { .. } => break,
        }
    }
    words.reverse();
    words
}

/// Those of the words that tell something, next to each other and nearest to the variable.
fn content_before(before: &[String]) -> Vec<String> {
    let mut content: Vec<String> = Vec::new();
    for word in before.iter().rev() {
        match part_of_name(word) {
            Some(part) if content.len() < NAME_WORDS => content.push(part),
            None if content.is_empty() => {}
            _ => break,
        }
    }
    content.reverse();
    content
}

/// The word directly after a variable, where it tells something, such as `button`.
fn following(pieces: &[Piece], at: usize) -> Option<String> {
    match pieces.get(at + 1) {
        Some(Piece::Literal { is_word: true, text, begins_sentence: false, .. }) => part_of_name(&normal(text)),
        _ => None,
    }
}

fn joined(words: &[String]) -> String {
    let name = words.join("_");
    if RESERVED.contains(&name.as_str()) { format!("{name}_value") } else { name }
}

/// The word as a part of a name; `None` where it says nothing, or no name may hold it.
fn part_of_name(word: &str) -> Option<String> {
    let part = word.replace('-', "_").replace('\'', "");
    let fits = part.starts_with(char::is_alphabetic)
        && part.chars().all(|char| char.is_alphabetic() || char == '_')
        && part.chars().count() <= WORD_CHARS;
    (fits && !STOP_WORDS.contains(&word) && !RESERVED.contains(&part.as_str())).then_some(part)
}

/// How many texts have each word.
pub(crate) struct Frequencies {
    texts: usize,
    of_word: HashMap<u64, usize>,
}

impl Frequencies {
    /// Of texts as the keys of their words.
    pub fn of(texts: impl Iterator<Item = Vec<u64>>) -> Self {
        let mut frequencies = Self { texts: 0, of_word: HashMap::new() };
        for mut keys in texts {
            keys.sort_unstable();
            keys.dedup();
            frequencies.texts += 1;
            keys.into_iter().for_each(|key| *frequencies.of_word.entry(key).or_default() += 1);
        }
        frequencies
    }

    fn rarity(&self, key: u64) -> f64 {
        let texts = self.of_word.get(&key).copied().unwrap_or_default();
        ((1 + self.texts) as f64 / (1 + texts) as f64).ln()
    }
}

/// A short title: the rarest of the words that the proposal says, and says early, in their order.
pub(crate) fn title(pieces: &[Piece], frequencies: &Frequencies) -> String {
    let mut words: Vec<(usize, f64, &str)> = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, piece) in pieces.iter().enumerate() {
        if let Piece::Literal { text, key, is_word: true, .. } = piece
            && part_of_name(&normal(text)).is_some()
            && text.chars().count() > 2
            && seen.insert(*key)
        {
            words.push((at, frequencies.rarity(*key), text));
        }
    }
    let earliness = |at: usize| 1.0 / (1.0 + at as f64 / 40.0);
    words.sort_by(|a, b| (b.1 * earliness(b.0)).total_cmp(&(a.1 * earliness(a.0))).then(a.0.cmp(&b.0)));
    words.truncate(TITLE_WORDS);
    words.sort_by_key(|(at, _, _)| *at);
    let words: Vec<String> = words.into_iter().map(|(_, _, word)| word.to_lowercase()).collect();
    let title = words.join(" ");
    let mut chars = title.chars();
    let capital = chars.next().map(char::to_uppercase).into_iter().flatten();
    let title: String = capital.chain(chars).take(MAX_TITLE_CHARS).collect();
    if title.is_empty() { "Reply".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokens;

    /// Pieces of a text in which `_` is a variable.
    fn pieces(text: &str) -> Vec<Piece> {
        let tokens = tokens(text);
        let piece = |(at, token): (usize, &crate::tokens::Token)| match token.of(text) {
            "_" => Piece::Slot { glue: " ".to_owned(), placeholder: None },
            word => Piece::Literal {
                glue: " ".to_owned(),
                text: word.to_owned(),
                key: token.key,
                exact: token.key,
                is_word: token.is_word(),
                begins_sentence: crate::tokens::begins_sentence(text, &tokens, at),
            },
        };
        tokens.iter().enumerate().map(piece).collect()
    }

    fn named(text: &str, recognised: Option<Recognised>) -> String {
        let pieces = pieces(text);
        let at = pieces.iter().position(|piece| matches!(piece, Piece::Slot { .. })).unwrap();
        names(&pieces, &[Unnamed { at, placeholder: None, recognised }]).remove(0)
    }

    #[test]
    fn variables_are_named_by_what_stands_beside_them() {
        use Recognised::{Date, Id, Money, Name, Number, Phone};
        for (text, recognised, name) in [
            ("Your order number is _ .", Some(Id), "order.number"),
            ("The tracking number is _ .", Some(Id), "tracking_number"),
            ("Hi _ , thanks", Some(Name), "customer.name"),
            ("We send a refund of $ _ soon", Some(Money), "refund_amount"),
            ("The delivery date is _ .", Some(Date), "delivery_date"),
            ("Call us at _ .", Some(Phone), "phone"),
            ("It takes _ days", Some(Number), "days"),
            ("within _ days", Some(Number), "days"),
            ("Press the _ button", None, "button"),
            ("Log in to _ .", None, "value"),
            ("_", None, "value"),
            ("Best regards , _", None, "agent.name"),
            ("Have a nice day . * _", None, "signature"),
        ] {
            assert_eq!(named(text, recognised), name, "{text}");
        }
    }

    #[test]
    fn names_are_not_given_twice_and_titles_have_the_telling_words() {
        let pieces = pieces("Press the _ button , then the _ button");
        let slots = [2, 7].map(|at| Unnamed { at, placeholder: None, recognised: None });
        assert_eq!(names(&pieces, &slots), ["button", "button_2"]);
        let frequencies = Frequencies::of(std::iter::empty());
        assert_eq!(title(&pieces, &frequencies), "Press button");
        assert_eq!(title(&[], &frequencies), "Reply");
    }
}
