//! Streets with a house number, as seven languages write them, and the town where it follows at once.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{expression, follows_word, precedes_word};

/// Capitalised words, as names of streets and towns are.
const NAME: &str = r"(?:\p{Lu}[\p{L}'’.-]*)";
/// A house number: 12, 12a, 12-14, 221B, 203-B, 2/b.
const HOUSE: &str = r"[0-9]{1,5}(?: ?[A-Ha-h]\b)?(?:[-/–](?:[0-9]{1,4}[A-Za-z]?|[A-Za-z]\b))?";
/// What stands between a house and its town: a flat, a floor, a staircase, a building.
const INSIDE: &str = concat!(
    r"(?:,? (?i:apt\.?|apto\.?|apartment|flat|unit|suite|ste\.?|floor|int\.|interno|scala|piano|bât\.?|bâtiment|esc\.?|appt\.?|hinterhaus|vorderhaus|",
    r"whg\.?|wohnung|bis|hs|huis|blok|izda\.?|dcha\.?|puerta|piso|esq\.?|dto\.?|lokal|lok\.|m\.|#)(?: ?[0-9A-Za-z-]{1,5}\b)?|",
    r", [0-9]{1,2}\.?[º°ª]\.? ?(?i:izda\.?|dcha\.?|esq\.?|dto\.?|[A-Z])?)?",
);

static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let town = format!(
        r"(?:{NAME} Cedex [0-9]{{1,2}}|{NAME}(?:[ -](?:{NAME}|am|an|der|de|del|la|le|les|sur|upon|do|da|dos)){{0,3}})"
    );
    let post = r"(?:[A-Z]{1,2}-)?[0-9]{4,6}(?:-[0-9]{3})?";
    let post_and_town = format!(r"(?:,? ?{post},? {town}|, {town}(?:(?:,| -) [A-Z]{{2}}\b)?(?:,? ?{post}\b)?)");
    let dutch = format!(r"(?:,? [1-9][0-9]{{3}} ?[A-Z]{{2}}\b(?:,? {town})?|, {town})");
    let polish = format!(r"(?:,? [0-9]{{2}}-[0-9]{{3}} {town}|, {town})");
    let english = concat!(
        r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|Close|Crescent|Cres|",
        r"Highway|Hwy|Parkway|Pkwy|Row|Gardens|Grove|Mews|Hill|Walk|Quay|Circle|Cir|Trail|View)\b\.?",
    );
    let english_tail = concat!(
        r"(?:, \p{Lu}[\p{L}'’.-]+\b(?: \p{Lu}[\p{L}'’.-]+\b){0,2})?",
        r"(?:,? [A-Z]{2}\b)?(?: [0-9]{4,5}(?:-[0-9]{4})?\b)?",
        r"(?:,? [A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}\b)?",
    );
    let russian = r"(?:,? (?i:к\.|корп\.|корпус|стр\.|строение) ?[0-9]{1,3})?(?:,? (?i:кв\.?|квартира|оф\.?|офис) ?[0-9]{1,4})?(?:, (?:г\. ?)?\p{Lu}[\p{L}-]+)?(?:, [0-9]{6}\b)?";
    let russian_street = r"(?i:ул\.|улиц[аеыу]|пр-т|просп\.|проспект[ае]?|пер\.|переул\p{L}*|пл\.|площад\p{L}|ш\.|шоссе|наб\.|набережн\p{L}*|бул\.|бульвар\p{L}?)";
    let particles = r"de|da|do|das|dos|del|della|dei|degli|di|la|las|los|el|d'";
    [
        // 221B Baker Street, Flat 2, London NW1 6XE; Unit 6, 31 Harbour View, Cork; 8/22 Wattle Street.
        format!(r"(?:(?:Flat|Apt|Apartment|Unit|Suite)\.? ?[0-9A-Za-z]{{1,5}}, )?(?:[0-9]{{1,4}}/)?{HOUSE},? (?:(?:{NAME}|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,4}}{english}{INSIDE}{english_tail}"),
        // As people type it: 12 mill lane.
        format!(r"{HOUSE} (?:\p{{L}}[\p{{L}}'’-]+ ){{1,2}}(?i:street|avenue|road|boulevard|lane|drive|square|crescent|terrace)\b{INSIDE}{english_tail}"),
        // Hauptstraße 5, 10115 Berlin; Alter Platz 3; Am Markt 3, 20095 Hamburg.
        format!(r"(?:(?:{NAME}[ -]){{0,3}}\p{{Lu}}\p{{L}}*(?i:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|chaussee|steig)|(?:{NAME}[ -]){{1,3}}(?i:straße|str\.|weg|gasse|platz|allee|ring|damm|ufer)|(?:Am|An der|An den|Im|In der|Unter den|Zum|Zur) {NAME}(?: {NAME})?) {HOUSE}{INSIDE}{post_and_town}?"),
        // Laan van Meerdervoort 12, 2517 AA Den Haag; Oude Singel 203-B.
        format!(r"(?:(?:{NAME}[ -]|van |de |der |den ){{0,4}}(?i:\p{{L}}+(?:straat|gracht|laan|plein|kade|dijk|singel|weg|hof)|singel|plein|kade)|Laan van {NAME}) {HOUSE}{INSIDE}{dutch}?"),
        // Calle Mayor 12, 3º B, 28013 Madrid; Avda. de la Constitución, 45; Av. Paulista 900, apto 71, São Paulo - SP, 01310-100; Largo da Fonte, n.º 3; Via Roma 10.
        format!(r"(?i:\b(?:calle|c/|avenida|avda\.?|av\.|plaza|pza\.?|paseo|carrer|carretera|carretera|ronda|rua|travessa|praça|largo|alameda|estrada|via|viale|piazza|corso|vicolo|piazzale)) ?(?:(?:{NAME}|{particles}) ?){{1,6}},? ?(?:n[.º°]{{0,2}} ?)?{HOUSE}{INSIDE}{post_and_town}?"),
        // 12 rue de la Paix, 75002 Paris; 48 bis, avenue des Tilleuls.
        format!(r"{HOUSE}(?: ?(?:bis|ter))?,? (?i:rue|avenue|av\.|boulevard|bd|place|impasse|allée|chemin|quai|route|cours) (?:(?:{NAME}|de|du|des|la|le|les|d'|l'|d’|l’)[ ]?){{1,6}}(?:{INSIDE}{post_and_town})?"),
        // ul. Długa 7/4, 00-238 Warszawa; skr. poczt. 91, 31-001 Kraków.
        format!(r"(?i:\b(?:ul\.|ulica|al\.|aleja|os\.|osiedle|pl\.)) ?(?:{NAME} ?){{1,4}}{HOUSE}{INSIDE}{polish}?"),
        format!(r"(?i:skr\. ?poczt\.|skrytka pocztowa) ?[0-9]{{1,5}}{polish}?"),
        // ул. Ленина, д. 5, кв. 12; г. Тверь, Садовый пер., д. 14.
        format!(r"(?i:(?:г\.|город) ?\p{{L}}+, )?{russian_street} ?[\p{{L}}0-9-]+(?: \p{{Lu}}[\p{{L}}-]+){{0,2}},? ?(?:(?i:д\.?|дом) ?)?[0-9]{{1,4}}(?:/[0-9]{{1,3}})? ?(?:[А-Яа-я]\b)?{russian}"),
        format!(r"(?i:(?:г\.|город) ?\p{{L}}+, )?\p{{Lu}}[\p{{L}}-]+ {russian_street},? ?(?:(?i:д\.?|дом) ?)?[0-9]{{1,4}}(?:/[0-9]{{1,3}})? ?(?:[А-Яа-я]\b)?{russian}"),
        format!(r"(?i:а/я) ?[0-9]{{1,5}}(?:, [0-9]{{6}})?(?:, (?:г\. ?)?{NAME})?"),
        // PO Box 4471, Albany, NY 12204; Postfach 10 20 30; BP 214, 44007 Nantes Cedex 1.
        format!(r"(?i:p\.? ?o\.? ?box) ?[0-9]{{1,6}}{english_tail}"),
        format!(r"(?i:postfach|postbus|apartado(?: de correos)?|boîte postale|casella postale|caixa postal|\bBP) ?[0-9]{{1,6}}(?: [0-9]{{2}}){{0,3}}(?:{post_and_town}|{dutch})?"),
    ]
    .map(|shape| expression(&shape))
    .into()
});

/// What every shape has in it. Most messages with a number have none of it, and looking for that takes one pass instead of
/// one a shape.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"\b(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Way|Close|Cres|Highway|Hwy|",
        r"Parkway|Pkwy|Row|Gardens|Grove|Mews|Hill|Walk|Quay|Circle|Cir|Trail|View|Crescent)\b|",
        r"(?:Am|An der|An den|Im|In der|Unter den|Zum|Zur) \p{Lu}|",
        r"(?i:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|chaussee|steig|straat|gracht|laan|plein|kade|dijk|singel|hof) [0-9]|",
        r"(?i:street|avenue|road|boulevard|lane|drive|square|crescent|terrace|laan van|calle|c/|avenida|avda|av\.|plaza|pza|paseo|carrer|carretera|",
        r"ronda|rua|travessa|praça|largo|alameda|estrada|via|piazza|corso|vicolo|rue|bd|place|impasse|chemin|quai|route|cours|ul\.|ulica|",
        r"al\.|aleja|os\.|osiedle|pl\.|skr|улиц|ул\.|пр-т|просп|пер\.|переул|пл\.|площад|ш\.|шоссе|наб|бул|а/я|box|postfach|postbus|apartado|",
        r"boîte|casella|caixa|\bBP)",
    ))
});

/// Words that no street is called by, before or among its name.
const NO_STREET: &[&str] = &[
    "minutes", "minute", "days", "hours", "from", "of", "to", "in", "on", "at", "and", "for", "the", "down", "across",
    "people", "years",
];

pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    if !MARKS.is_match(text) {
        return found;
    }
    for shape in SHAPES.iter() {
        let whole = |bytes: &Range<usize>| !follows_word(text, bytes.start) && !precedes_word(text, bytes.end);
        let named = |bytes: &Range<usize>| !text[bytes.clone()].split(' ').any(|word| NO_STREET.contains(&word));
        found.extend(shape.find_iter(text).map(|found| trimmed(text, found.range())).filter(whole).filter(named));
    }
    // Of two that overlap, the longer is the whole address.
    found.sort_unstable_by_key(|bytes| std::cmp::Reverse(bytes.len()));
    found
}

fn trimmed(text: &str, bytes: Range<usize>) -> Range<usize> {
    let words = text[bytes.clone()].trim_end_matches([' ', ',', '.']);
    bytes.start..bytes.start + words.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_the_way_of_its_country() {
        for address in [
            "221B Baker Street",
            "12 Mill Lane, Flat 3, Leeds LS1 4AB",
            "450 Elm St, Springfield, IL 62704",
            "Hauptstraße 5, 10115 Berlin",
            "Calle Mayor 12, 28013 Madrid",
            "ул. Ленина, д. 5, кв. 12",
            "12 rue de la Paix, 75002 Paris",
            "Via Roma 10",
            "ul. Długa 7",
            "PO Box 1234",
            "Keizersgracht 5, 1015 CN Amsterdam",
        ] {
            let text = format!("send it to {address}.");
            let found: Vec<_> = find(&text).into_iter().map(|bytes| &text[bytes]).collect();
            assert_eq!(found.first(), Some(&address), "{found:?}");
        }
    }

    #[test]
    fn what_a_shape_matches_has_a_mark() {
        let labelled = include_str!("../../tests/redaction/messages.tsv");
        for text in labelled.lines() {
            let has_shape = SHAPES.iter().any(|shape| shape.is_match(text));
            assert!(!has_shape || MARKS.is_match(text), "{text}");
        }
    }

    #[test]
    fn numbers_before_other_words_are_no_address() {
        for text in [
            "2 pots came broken",
            "it took 5 days on the way",
            "24 hours a day",
            "in 3 Drive folders there are",
            "room 12",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
