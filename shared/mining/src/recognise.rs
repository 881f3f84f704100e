//! What in a reply is likely to be another thing in the next reply: amounts, dates, addresses, names and the like.
//!
//! To recognise something here makes no variable of it: it only lets replies that differ in nothing else look alike. What
//! becomes a variable is decided where replies are laid beside each other.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A kind of thing that is recognised by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Recognised {
    /// What redaction put there, by its place in [`PLACEHOLDERS`].
    Placeholder(u8),
    Email,
    Link,
    Date,
    Time,
    Money,
    Percent,
    Phone,
    /// Letters and digits in one, such as the number of an order.
    Id,
    Number,
    /// A name after a word of greeting.
    Name,
}

/// The variables that `romashka_ingest::redaction` puts in the place of what is personal.
pub(crate) const PLACEHOLDERS: [&str; 10] = [
    "customer.address",
    "customer.card",
    "customer.credentials",
    "customer.email",
    "customer.iban",
    "customer.ip_address",
    "customer.name",
    "customer.national_id",
    "customer.phone",
    "order.number",
];

/// Digits of a telephone number (ITU-T E.164: at most 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits by which a word is taken for an identifier: `4g` and `1st` are none.
const ID_DIGITS: usize = 3;
/// Characters from which a word of capitals and digits is an identifier.
const LOCATOR_CHARS: usize = 5;

/// Months, by the beginnings of their names; before each beginning what it is also the beginning of.
const MONTHS: &str = "enero|febrero|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre\
|jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch|zo)?|märz|apr(?:il)?|may|mai|jun[ei]?|jul[yi]?|aug(?:ust)?\
|sept?(?:ember)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?|dez(?:ember)?\
|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря";

/// Boundaries are those of ASCII, and only where a digit or a Latin letter stands: others would keep the regular expression
/// from its fast way through all texts but English ones. Where letters of other alphabets may stand, [`shapes`] looks itself.
static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let placeholders = PLACEHOLDERS.map(regex::escape).join("|");
    let shapes = [
        format!(r"(?<placeholder>\{{\{{\s*(?:{placeholders})\s*\}}\}})"),
        r"(?<email>\w[\w.+-]*@[\w-]+(?:\.[\w-]*\w)+)".to_owned(),
        r#"(?<link>(?:§https?://|§www\.)[^\s<>"'\{\}]*[^\s<>"'\{\}.,;:!?)\]]|§(?:[a-z0-9-]+\.)+(?:com|net|org|io|eu|de|es|ru|co|app|shop|example)§(?:/[^\s<>"'\{\}]*[^\s<>"'\{\}.,;:!?)\]])?)"#
            .to_owned(),
        format!(
            r"(?<date>§[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}§|§[0-9]{{1,2}}([./])[0-9]{{1,2}}[./][0-9]{{2}}(?:[0-9]{{2}})?§|§[0-9]{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?(?:{MONTHS})(?:\.?,?\s(?:de\s)?[0-9]{{4}}§)?|(?:{MONTHS})\.?\s[0-9]{{1,2}}(?:st|nd|rd|th)?§(?:,?\s[0-9]{{4}}§)?)"
        ),
        r"(?<time>§[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?§(?:\s?[ap]\.?m§\.?)?|§[0-9]{1,2}\s?[ap]m§|§[0-9]{1,2}(?:\.[0-9]{2})?\sUhr§)".to_owned(),
        r"(?:[$€£₽¥]\s?(?<before>[0-9]+(?:[.,\u{a0}][0-9]+)*)§)".to_owned(),
        r"(?:§(?<after>[0-9]+(?:[.,\u{a0}][0-9]+)*)\s?(?:[$€£₽¥]|(?:usd|eur|gbp|rub|chf|pln|euros?|dollars?)§|руб(?:ля|лей|ль)?|zł(?:otych|ote|oty)?|грн|Kč))".to_owned(),
        r"(?:§(?<percent>[0-9]+(?:[.,][0-9]+)?)\s?%)".to_owned(),
        r"(?<phone>(?:\+[0-9]{1,3}[\s.-]?)?(?:\([0-9]{1,5}\)[\s.-]?)?§[0-9]{1,5}(?:[ .-][0-9]{2,6}){1,5}§)".to_owned(),
    ];
    let shapes = shapes.join("|").replace('§', r"(?-u:\b)");
    Regex::new(&format!("(?i){shapes}")).ok()
});

/// What is recognised in a text by its shape, in order and without overlaps.
pub(crate) fn shapes(text: &str) -> Vec<(Range<usize>, Recognised)> {
    let Some(shapes) = SHAPES.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = shapes.captures_at(text, at) {
        let whole = captures.get_match().range();
        if cuts_word(text, &whole) {
            at = whole.start + text[whole.start..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        at = whole.end;
        let kinds = [
            ("email", Recognised::Email),
            ("link", Recognised::Link),
            ("date", Recognised::Date),
            ("time", Recognised::Time),
            ("before", Recognised::Money),
            ("after", Recognised::Money),
            ("percent", Recognised::Percent),
            ("phone", Recognised::Phone),
        ];
        if let Some(placeholder) = captures.name("placeholder") {
            let name = placeholder.as_str().trim_matches(['{', '}']).trim().to_lowercase();
            let place = (0..).zip(PLACEHOLDERS).find(|(_, known)| *known == name);
            found.extend(place.map(|(place, _)| (placeholder.range(), Recognised::Placeholder(place))));
            continue;
        }
        let hit = kinds.into_iter().find_map(|(name, kind)| captures.name(name).map(|hit| (hit, kind)));
        let Some((hit, kind)) = hit else { continue };
        let digits = hit.as_str().bytes().filter(u8::is_ascii_digit).count();
        if kind != Recognised::Phone || PHONE_DIGITS.contains(&digits) {
            found.push((hit.range(), kind));
        }
    }
    found
}

/// Whether a range begins or ends within a word.
fn cuts_word(text: &str, range: &Range<usize>) -> bool {
    let is_of_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let (before, within, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    (is_of_word(before.chars().next_back()) && is_of_word(within.chars().next()))
        || (is_of_word(within.chars().next_back()) && is_of_word(after.chars().next()))
}

/// What a word is that has no other shape.
pub(crate) fn word(word: &str) -> Option<Recognised> {
    let digits = word.chars().filter(|char| char.is_numeric()).count();
    if digits == 0 {
        return None;
    }
    if !word.chars().any(char::is_alphabetic) {
        return Some(Recognised::Number);
    }
    (digits >= ID_DIGITS || is_locator(word)).then_some(Recognised::Id)
}

/// True for a code of capitals with a digit among them, such as the locator of a booking: X4F9ZT.
fn is_locator(word: &str) -> bool {
    let capitals = word.chars().filter(|char| char.is_ascii_uppercase()).count();
    word.len() >= LOCATOR_CHARS
        && word.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit())
        && capitals > 1
}

/// Words that a greeting begins with.
const GREETINGS: [&str; 66] = [
    "hi",
    "hello",
    "hey",
    "dear",
    "greetings",
    "good",
    "hallo",
    "liebe",
    "lieber",
    "guten",
    "moin",
    "servus",
    "hola",
    "estimado",
    "estimada",
    "querido",
    "querida",
    "buenos",
    "buenas",
    "привет",
    "здравствуйте",
    "уважаемый",
    "уважаемая",
    "добрый",
    "bonjour",
    "bonsoir",
    "salut",
    "cher",
    "chère",
    "olá",
    "oi",
    "prezado",
    "prezada",
    "ciao",
    "salve",
    "buongiorno",
    "gentile",
    "beste",
    "geachte",
    "goedemorgen",
    "goedemiddag",
    "witam",
    "cześć",
    "szanowny",
    "szanowna",
    "merhaba",
    "sayın",
    "ahoj",
    "вітаю",
    "шановний",
    "шановна",
    "sehr",
    "grüezi",
    "hej",
    "hoi",
    "dag",
    "goedenavond",
    "buonasera",
    "bom",
    "boa",
    "dzień",
    "drogi",
    "droga",
    "dobrý",
    "добрий",
    "доброго",
];
/// Words between the first of a greeting and the name.
const BETWEEN: [&str; 44] = [
    "morning",
    "afternoon",
    "evening",
    "day",
    "tag",
    "morgen",
    "abend",
    "días",
    "dias",
    "tardes",
    "noches",
    "день",
    "вечер",
    "again",
    "mr",
    "mrs",
    "ms",
    "dr",
    "herr",
    "frau",
    "sr",
    "sra",
    "señor",
    "señora",
    "don",
    "doña",
    "господин",
    "госпожа",
    "geehrte",
    "geehrter",
    "dia",
    "tarde",
    "noite",
    "dobry",
    "den",
    "pani",
    "panie",
    "madame",
    "monsieur",
    "signor",
    "signora",
    "mevrouw",
    "meneer",
    "дня",
];
/// Words that are written like a name after a greeting and are none.
const NO_NAMES: [&str; 10] =
    ["there", "all", "everyone", "team", "customer", "sir", "madam", "thanks", "thank", "zusammen"];
/// Words that answer before a comma: "Yes, we ship to Austria". Elsewhere some of them are names.
const YES_AND_NO: [&str; 25] = [
    "yes",
    "no",
    "sure",
    "certainly",
    "ja",
    "nein",
    "natürlich",
    "leider",
    "sí",
    "si",
    "claro",
    "да",
    "нет",
    "конечно",
    "так",
    "ні",
    "oui",
    "non",
    "tak",
    "nie",
    "sim",
    "não",
    "nee",
    "evet",
    "hayır",
];

/// Whether a word opens a greeting.
pub(crate) fn opens_greeting(word: &str) -> bool {
    GREETINGS.contains(&word)
}

/// Whether a word of a greeting comes before the name.
pub(crate) fn precedes_name(word: &str) -> bool {
    BETWEEN.contains(&word)
}

/// Returns true for a word that, before a comma at the beginning, is an answer and no name.
pub(crate) fn says_yes_or_no(word: &str) -> bool {
    YES_AND_NO.contains(&word.to_lowercase().as_str())
}

/// Whether a word may be one of a name: written with a capital, and not one of those that only look it.
pub(crate) fn may_be_name(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
        && !word.contains(|char: char| char.is_ascii_digit())
        && !NO_NAMES.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Recognised)> {
        shapes(text).into_iter().map(|(range, kind)| (&text[range], kind)).collect()
    }

    #[test]
    fn what_differs_from_reply_to_reply_is_known_by_its_shape() {
        use Recognised::{Date, Email, Link, Money, Percent, Phone, Placeholder, Time};
        assert_eq!(found("write to anna.w@shop.example now"), [("anna.w@shop.example", Email)]);
        assert_eq!(
            found("see https://shop.example/a?b=1, or www.shop.de."),
            [("https://shop.example/a?b=1", Link), ("www.shop.de", Link)]
        );
        for date in [
            "2026-11-27",
            "27.11.2026",
            "11/27/26",
            "27 November 2026",
            "Nov 27, 2026",
            "27. März",
            "5 de mayo de 2026",
            "27 ноября 2026",
        ] {
            assert_eq!(found(&format!("on {date} we")), [(date, Date)], "{date}");
        }
        for time in ["9:30", "14:05:10", "9:30 am", "9am", "18 Uhr"] {
            assert_eq!(found(&format!("at {time} or")), [(time, Time)], "{time}");
        }
        assert_eq!(found("you paid $1,299.00 and 20 EUR"), [("1,299.00", Money), ("20", Money)]);
        assert_eq!(found("a discount of 12.5 %"), [("12.5", Percent)]);
        for phone in ["+49 30 901820", "1-800-555-0199", "(555) 123-4567"] {
            assert_eq!(found(&format!("call {phone}.")), [(phone, Phone)], "{phone}");
        }
        assert_eq!(found("dear {{customer.name}}"), [("{{customer.name}}", Placeholder(6))]);
        assert_eq!(found("{{ anything.else }} in 3-5 days"), []);
    }

    #[test]
    fn words_with_digits_are_numbers_or_identifiers() {
        assert_eq!(word("ORD-12345"), Some(Recognised::Id));
        assert_eq!(word("1,299"), Some(Recognised::Number));
        assert_eq!(word("4g"), None);
        assert_eq!(word("well-known"), None);
    }
}
