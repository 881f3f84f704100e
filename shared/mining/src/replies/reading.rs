//! A reply without its salutation, closing and signature.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use romashka_types::reply::Act;

use super::MAX_BYTES;
use super::acts::act_of;
use crate::draft::outputs::Outputs;
use crate::draft::reading::{Lead, Read, Sentence};
use crate::draft::{Exemplar, Role, Text, roles};
use crate::recognise::{Recognised, may_be_name, precedes_name, says_yes_or_no};
use crate::tokens::{Kind, normal};

/// Words of the last line of a reply up to which it may be a signature.
const SIGNATURE_WORDS: usize = 6;
/// Words of a signature that may be the name.
const NAME_WORDS: usize = 2;

/// Words of a sentence that only stalls, at most.
const STALL_WORDS: usize = 12;
/// Beginnings of such sentences.
const STALLS: [&str; 27] = [
    "let me ",
    "one moment",
    "just a moment",
    "bear with me",
    "hold on",
    "i'll check",
    "i will check",
    "i'll look",
    "i will look",
    "einen moment",
    "moment bitte",
    "ich prüfe",
    "ich schaue",
    "ich sehe nach",
    "un momento",
    "déjeme ",
    "déjame ",
    "voy a comprobar",
    "voy a revisar",
    "одну минут",
    "минуту",
    "сейчас проверю",
    "сейчас уточню",
    "un instant",
    "um momento",
    "chwileczk",
    "een moment",
];

/// Words that stand for a name behind a greeting.
const ADDRESSES: [&str; 5] = ["there", "all", "again", "everyone", "team"];

/// Initials or a name behind a mark at the very end, as agents of social networks sign: `*TMT`, `^AB`, `- Tom`.
static INITIALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:\s*[*^~]\s?\p{Lu}[\p{L}.]{0,14}|\s+[-–—/]\s?\p{Lu}[\p{Ll}]{1,14}|\s+/\p{Lu}{2,3})\s*$").ok()
});

/// A reply that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReply {
    /// The reply without salutation, closing and signature; empty where it is nothing else.
    pub body: String,
    /// What it does.
    pub act: Act,
    /// Names in its salutation and signature, as they are written there.
    pub names: Vec<String>,
    /// The first question that it asks the customer.
    pub asks: Option<String>,
}

/// Reads a reply of at most [`MAX_BYTES`]; the rest is cut off.
#[must_use]
pub fn read(reply: &str) -> ReadReply {
    let reply = &reply[..reply.floor_char_boundary(MAX_BYTES)];
    let mut names = Vec::new();
    let text = without_initials(reply);
    let exemplar = Exemplar { id: String::new(), text: Text::Reply(text.to_owned()), language: None, closeness: 1.0 };
    let Some(mut read) = Read::of(0, &exemplar, &mut Outputs::default()) else {
        return ReadReply { body: text.to_owned(), act: Act::Answer, names, asks: None };
    };
    named_first(&mut read, &mut names);
    open(&mut read, &mut names);
    let mut kept = 0..read.sentences.len();
    while kept.start < kept.end && read.sentences[kept.start].role == Role::Greeting {
        names.extend(names_in(&read, &read.sentences[kept.start]));
        kept.start += 1;
    }
    let addressed =
        kept.clone().next().filter(|first| *first > 0).and_then(|first| addressed(&read, first, &mut names));
    if let (Some(start), Some(first)) = (addressed, read.sentences.get_mut(kept.start)) {
        first.tokens.start = start;
        if first.tokens.is_empty() {
            kept.start += 1;
        }
    }
    if kept.len() > 1 && is_signature(&read, &read.sentences[kept.end - 1]) {
        kept.end -= 1;
        names.extend(capitalised(&read, &read.sentences[kept.end]).take(NAME_WORDS));
    } else if let Some(signed) = (kept.len() > 1).then(|| signed(&read, &read.sentences[kept.end - 1])).flatten() {
        kept.end -= 1;
        names.extend(signed);
    }
    if kept.len() > 1 && is_valediction(&read, &read.sentences[kept.end - 1]) {
        kept.end -= 1;
    }
    while kept.start < kept.end && is_closing(&read.sentences[kept.end - 1]) {
        kept.end -= 1;
        if read.sentences[kept.end].signs {
            names.extend(capitalised(&read, &read.sentences[kept.end]));
        }
    }
    if kept.len() > 1
        && is_name_alone(&read, &read.sentences[kept.end - 1])
        && wishes(&read, &read.sentences[kept.end - 2])
    {
        kept.end -= 1;
        names.extend(capitalised(&read, &read.sentences[kept.end]));
    }
    let sentences = &read.sentences[kept];
    let acts: Vec<Act> = sentences.iter().map(|sentence| act(&read, sentence)).collect();
    let promised = promised(&read, sentences, &acts);
    let (sentences, acts) = (&sentences[promised..], &acts[promised..]);
    let asking = acts.iter().position(|act| *act == Act::Question);
    ReadReply {
        body: body(&read, sentences).to_owned(),
        act: acts.iter().copied().min().unwrap_or(Act::Courtesy),
        names,
        asks: asking.map(|at| read.text[bytes(&read, &sentences[at])].to_owned()),
    }
}

/// Sentences before the answer that end in a promise to look it up: kept by the answer behind them, it is none any more.
fn promised(read: &Read, sentences: &[Sentence], acts: &[Act]) -> usize {
    let before = acts.iter().take_while(|act| matches!(act, Act::Courtesy | Act::Promise)).count();
    let promise = sentences[..before].iter().rposition(|sentence| stalls(&read.text[bytes(read, sentence)]));
    if acts.contains(&Act::Answer) { promise.map_or(0, |at| at + 1) } else { 0 }
}

/// Returns true for a sentence that says no more than that its writer goes to look.
fn stalls(sentence: &str) -> bool {
    let small = sentence.to_lowercase();
    let is_short = sentence.split_whitespace().count() <= STALL_WORDS && !sentence.contains(char::is_numeric);
    is_short && STALLS.iter().any(|beginning| small.starts_with(beginning))
}

/// True for a text that only greets, thanks, apologises or wishes well.
#[must_use]
pub fn is_courtesy(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let exemplar = Exemplar { id: String::new(), text: Text::Reply(text.to_owned()), language: None, closeness: 1.0 };
    let read = Read::of(0, &exemplar, &mut Outputs::default());
    let is_polite = |sentence: &Sentence| !matches!(sentence.role, Role::Body | Role::NextStep);
    read.is_none_or(|read| read.sentences.iter().all(is_polite))
}

fn without_initials(reply: &str) -> &str {
    let reply = reply.trim();
    let found = INITIALS.as_ref().and_then(|initials| initials.find(reply));
    found.map_or(reply, |found| reply[..found.start()].trim_end())
}

fn bytes(read: &Read, sentence: &Sentence) -> Range<usize> {
    read.tokens[sentence.tokens.start].range().start..read.tokens[sentence.tokens.end - 1].range().end
}

/// The text from the first of some sentences to the last, the mark of a list before the first included.
fn body<'read>(read: &'read Read, sentences: &[Sentence]) -> &'read str {
    let (Some(first), Some(last)) = (sentences.first(), sentences.last()) else { return "" };
    let mut start = bytes(read, first).start;
    if first.lead != Lead::None {
        start = read.text[..start].rfind('\n').map_or(0, |line| line + 1);
    }
    &read.text[start..bytes(read, last).end]
}

fn is_closing(sentence: &Sentence) -> bool {
    sentence.role == Role::Closing || sentence.signs
}

/// True for a last line of few words that ends without a mark and begins like a name: "Ines from the support team".
fn is_signature(read: &Read, sentence: &Sentence) -> bool {
    let range = bytes(read, sentence);
    let line = &read.text[range.clone()];
    let begins_line = read.text[..range.start].trim_end_matches([' ', '-', '–', '—']).ends_with('\n');
    let words = sentence.tokens.clone().filter(|at| read.tokens[*at].is_word()).count();
    begins_line
        && sentence.lead == Lead::None
        && words <= SIGNATURE_WORDS
        && line.starts_with(char::is_uppercase)
        && !line.ends_with(['.', '!', '?', ':', ';', '…'])
        && !line.contains(|char: char| char.is_ascii_digit() || matches!(char, '@' | '/' | '>' | '"'))
}

/// True for what stands before a signature: a closing, or an exclamation.
fn wishes(read: &Read, sentence: &Sentence) -> bool {
    is_closing(sentence) || read.text[bytes(read, sentence)].ends_with('!')
}

/// True for one or two words with capitals and nothing else, as behind "See you soon! Ines".
fn is_name_alone(read: &Read, sentence: &Sentence) -> bool {
    let is_name = |at: usize| {
        let word = read.tokens[at].of(&read.text);
        read.tokens[at].kind == Kind::Word && may_be_name(word) && word.contains(char::is_lowercase)
    };
    sentence.lead == Lead::None && sentence.tokens.len() <= NAME_WORDS && sentence.tokens.clone().all(is_name)
}

/// Takes off a name that stands before the greeting: "Anna, hello!".
fn named_first(read: &mut Read, names: &mut Vec<String>) {
    let Some(first) = read.sentences.first() else { return };
    let word = |at: usize| read.tokens[at].of(&read.text);
    let Some(comma) = first.tokens.clone().take(NAME_WORDS + 1).find(|at| word(*at) == ",") else { return };
    let are_names = (first.tokens.start..comma).all(|at| may_be_name(word(at)) && !says_yes_or_no(word(at)));
    let rest = words(read, comma + 1..first.tokens.end);
    if comma == first.tokens.start || !are_names || !roles::greets(&rest) {
        return;
    }
    names.extend((first.tokens.start..comma).map(|at| word(at).to_owned()));
    let place = first.place;
    read.sentences[0].tokens.start = comma + 1;
    read.sentences[0].role = roles::role(&rest, place, false);
}

/// Takes off a salutation that the first sentence goes on behind.
fn open(read: &mut Read, names: &mut Vec<String>) {
    if read.sentences.is_empty() {
        return;
    }
    let mut found = Vec::new();
    let Some(end) = salutation(read, &mut found) else { return };
    let rest = words(read, end..read.sentences[0].tokens.end);
    if rest.is_empty() {
        return;
    }
    names.append(&mut found);
    let place = read.sentences[0].place;
    read.sentences[0].tokens.start = end;
    read.sentences[0].role = roles::role(&rest, place, false);
}

/// The token behind the salutation that a reply opens with and goes on in the same sentence: "Hi Anna your order", "hi anna,
/// your order"; the name is added to `names`.
fn salutation(read: &Read, names: &mut Vec<String>) -> Option<usize> {
    let tokens = read.sentences[0].tokens.clone();
    let word = |at: usize| read.tokens[at].of(&read.text);
    if !roles::greets(&words(read, tokens.clone())) {
        return None;
    }
    let start = tokens.clone().skip(1).find(|at| !precedes_name(&normal(word(*at))) && word(*at) != ",")?;
    let is_word = |at: &usize| matches!(read.tokens[*at].kind, Kind::Word | Kind::Value(Recognised::Name));
    let named = (start..tokens.end).take(NAME_WORDS).take_while(|at| is_word(at) && may_be_name(word(*at))).count();
    let small = (start..tokens.end).take(NAME_WORDS + 1).take_while(is_word).count();
    let is_mark = |at: usize| at < tokens.end && matches!(word(at), "," | "!" | "." | ":" | "-" | "–");
    let count = if named > 0 {
        named
    } else if (1..=NAME_WORDS).contains(&small) && is_mark(start + small) {
        small
    } else {
        return None;
    };
    let end = start + count;
    names.extend((start..end).map(|at| capitalised_word(word(at))).filter(|name| may_be_name(name)));
    Some(if is_mark(end) { end + 1 } else { end })
}

fn capitalised_word(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The token behind a name that a greeting is followed by, as in "Здравствуйте, Ольга!"; the name is added to `names`.
fn addressed(read: &Read, first: usize, names: &mut Vec<String>) -> Option<usize> {
    let sentence = &read.sentences[first];
    let word = |at: usize| read.tokens[at].of(&read.text);
    let end = sentence.tokens.clone().take(NAME_WORDS + 1).find(|at| matches!(word(*at), "!" | "," | "." | ":"))?;
    let is_name = |at: usize| {
        matches!(read.tokens[at].kind, Kind::Word | Kind::Value(Recognised::Name))
            && ((may_be_name(word(at)) && !says_yes_or_no(word(at))) || ADDRESSES.contains(&word(at)))
    };
    if !sentence.continues || end == sentence.tokens.start || !(sentence.tokens.start..end).all(is_name) {
        return None;
    }
    names.extend((sentence.tokens.start..end).map(word).filter(|word| may_be_name(word)).map(str::to_owned));
    Some(end + 1)
}

/// The name of a short sentence that ends in one behind a comma, as in "Best, Tom".
fn signed(read: &Read, sentence: &Sentence) -> Option<Vec<String>> {
    let word = |at: usize| read.tokens[at].of(&read.text);
    let comma = sentence.tokens.clone().find(|at| word(*at) == ",")?;
    let behind: Vec<usize> = (comma + 1..sentence.tokens.end).filter(|at| !matches!(word(*at), "." | "!")).collect();
    let is_short =
        (1..=NAME_WORDS).contains(&(comma - sentence.tokens.start)) && (1..=NAME_WORDS).contains(&behind.len());
    let are_names = behind.iter().all(|at| read.tokens[*at].kind != Kind::Mark && may_be_name(word(*at)));
    (is_short && are_names).then(|| behind.into_iter().map(|at| word(at).to_owned()).collect())
}

/// True for a line of few words that ends with a comma: "Best,".
fn is_valediction(read: &Read, sentence: &Sentence) -> bool {
    let range = bytes(read, sentence);
    read.text[..range.start].ends_with('\n')
        && read.text[range].ends_with(',')
        && sentence.tokens.len() <= SIGNATURE_WORDS
}

/// Names of a greeting: what the tokens call a name.
fn names_in(read: &Read, sentence: &Sentence) -> Vec<String> {
    let tokens = sentence.tokens.clone().map(|at| &read.tokens[at]);
    let named = tokens.filter(|token| token.kind == Kind::Value(Recognised::Name));
    named.flat_map(|token| token.of(&read.text).split_whitespace()).map(str::to_owned).collect()
}

fn capitalised<'read>(read: &'read Read, sentence: &Sentence) -> impl Iterator<Item = String> + 'read {
    let words = sentence.tokens.clone().map(|at| read.tokens[at].of(&read.text));
    words.filter(|word| may_be_name(word) && word.chars().count() > 1).map(str::to_owned)
}

/// The act of a sentence. Of an apology or thanks with a clause behind a comma, the clause counts: "Sorry, we do not ship
/// to Austria".
fn act(read: &Read, sentence: &Sentence) -> Act {
    let text = &read.text[bytes(read, sentence)];
    let words = words(read, sentence.tokens.clone());
    match sentence.role {
        Role::Greeting | Role::Closing => Act::Courtesy,
        Role::Acknowledgement => {
            let comma = sentence.tokens.clone().find(|at| {
                matches!(read.tokens[*at].of(&read.text), "," | "–" | "—" | "-" | ":" | "but" | "aber" | "pero" | "но")
            });
            let clause = comma.map(|comma| self::words(read, comma + 1..sentence.tokens.end)).unwrap_or_default();
            let says = matches!(roles::role(&clause, sentence.place, false), Role::Body | Role::NextStep);
            if says && !clause.is_empty() { act_of(text, &clause) } else { courtesy_or_question(text, &words) }
        }
        Role::Body | Role::NextStep => act_of(text, &words),
    }
}

/// An apology may ask: "Sorry to hear that, what happened?" has its question in the same sentence.
fn courtesy_or_question(text: &str, words: &[String]) -> Act {
    match act_of(text, words) {
        Act::Answer => Act::Courtesy,
        other => other,
    }
}

fn words(read: &Read, range: Range<usize>) -> Vec<String> {
    let tokens = range.map(|at| &read.tokens[at]).filter(|token| token.is_word());
    tokens.map(|token| normal(token.of(&read.text))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn salutation_closing_and_signature_are_taken_off() {
        for (reply, body, names) in [
            (
                "Hello Anna, your order AB-1043 has left our house. Kind regards, Tom",
                "your order AB-1043 has left our house.",
                vec!["Anna", "Tom"],
            ),
            (
                "Guten Tag Frau Weiß,\n\nSie können Ihre Bestellung 30 Tage lang zurückgeben.\n\nMit freundlichen Grüßen\nJonas",
                "Sie können Ihre Bestellung 30 Tage lang zurückgeben.",
                vec!["Weiß", "Jonas"],
            ),
            (
                "Здравствуйте, Ольга! Вернуть товар можно в течение 14 дней.\nС уважением,\nИван",
                "Вернуть товар можно в течение 14 дней.",
                vec!["Ольга", "Иван"],
            ),
            ("Hi Anna your order is on its way to you.", "your order is on its way to you.", vec!["Anna"]),
            ("hi anna, your order is on its way.", "your order is on its way.", vec!["Anna"]),
            ("Refunds take five days.\nInes from the support team", "Refunds take five days.", vec!["Ines"]),
            ("The counter opens at 4:30. *ALY", "The counter opens at 4:30.", vec![]),
            ("Great question, thanks a lot!\nBest,\nTom", "Great question, thanks a lot!", vec!["Tom"]),
            ("Hello, there. Refunds take five days. *TMB", "Refunds take five days.", vec![]),
            (
                "Let me check that for you, one moment please. Refunds take five days.",
                "Refunds take five days.",
                vec![],
            ),
            (
                "Анна, здравствуйте! Деньги вернутся за неделю. Будьте здоровы! Ольга",
                "Деньги вернутся за неделю. Будьте здоровы!",
                vec!["Анна", "Ольга"],
            ),
            (
                "Доставка занимает 30 минут. Курьер позвонит вам заранее.",
                "Доставка занимает 30 минут. Курьер позвонит вам заранее.",
                vec![],
            ),
            (
                "Hola, Sonia:\n\nEs el estrés del viaje y es muy normal.\n\nUn saludo,\nClara",
                "Es el estrés del viaje y es muy normal.",
                vec!["Sonia", "Clara"],
            ),
            ("You pay in one of two ways. Deutsche Bank", "You pay in one of two ways. Deutsche Bank", vec![]),
            ("Да, доставляем в Австрию каждый день.", "Да, доставляем в Австрию каждый день.", vec![]),
        ] {
            let read = read(reply);
            assert_eq!(
                (read.body.as_str(), read.names),
                (body, names.into_iter().map(str::to_owned).collect()),
                "{reply}"
            );
        }
    }

    #[test]
    fn acts_are_told_by_what_is_said_beside_courtesies() {
        for (reply, act) in [
            ("Hi Anna, you can return it within 30 days.", Act::Answer),
            ("Sorry, we do not ship to Austria.", Act::Answer),
            ("Hi! Which flight and date are you wanting to check? *HWG", Act::Question),
            ("Sorry to hear that. Could you provide your order number", Act::Question),
            ("Let me check that for you, one moment.", Act::Promise),
            ("I will forward this to our leadership team.", Act::HandOver),
            ("Please send us a DM with your confirmation number.", Act::HandOver),
            ("You're welcome. Have a great day!", Act::Courtesy),
            ("Einen Moment bitte, ich prüfe das.", Act::Promise),
            ("Я передам ваш вопрос коллегам.", Act::HandOver),
            ("¿Me puede dar su número de pedido?", Act::Question),
            ("great, thank you", Act::Courtesy),
            ("thanks a lot!", Act::Courtesy),
            ("ok perfect", Act::Courtesy),
            ("danke, super!", Act::Courtesy),
            ("спасибо большое", Act::Courtesy),
            ("", Act::Courtesy),
        ] {
            assert_eq!(read(reply).act, act, "{reply}");
        }
        assert_eq!(read("Hi! Which flight is it?").asks.as_deref(), Some("Which flight is it?"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_its_body_is_a_part_of_it(reply in "\\PC{0,200}") {
            let read = read(&reply);
            prop_assert!(read.body.is_empty() || reply.contains(read.body.as_str()) || reply.chars().any(char::is_control));
        }
    }
}
