//! Telephone numbers.
//!
//! No check digit tells one from any other number. Three things do: a country code (ITU-T E.164), a shape that a country
//! writes its numbers in and hardly anything else, or a word before it that is about calling.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{before, digits, expression, follows_word, precedes_word};

/// Digits of the shortest number that is taken for one.
pub(super) const LEAST_DIGITS: usize = 7;
/// Digits of the longest (E.164).
const MOST_DIGITS: usize = 15;
/// How far before a number a word about it may stand, in bytes.
const REACH: usize = 48;

/// `+` or `00`, a country code, and groups.
static INTERNATIONAL: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"(?:\+ ?|00 ?)[1-9][0-9]{0,14}(?:(?:[ \u{A0}.\-/]|\)[ \-]?| ?\([0-9]{1,5}\)[ \-]?|\()+[0-9]{1,12}){0,7}",
    )
});

/// Shapes that countries write their numbers in, each with the digits it must have.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // North America: 212-555-0143, (212) 555-0143, 1.212.555.0143.
        r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}",
        // France: 01 23 45 67 89.
        r"0[1-9](?:[ .-][0-9]{2}){4}",
        // Russia: 8 (495) 123-45-67, 8-800-123-45-67.
        r"8[ -]?\(?[0-9]{3,4}\)?[ -]?[0-9]{2,3}[ -][0-9]{2}[ -][0-9]{2}",
        r"\([0-9]{3,4}\) ?[0-9]{2,3}[ -][0-9]{2}[ -][0-9]{2}",
        // Brazil: (11) 91234-5678.
        r"\([1-9][0-9]\) ?9?[0-9]{4}[- ][0-9]{4}",
        // Spain: 612 345 678, 91 123 45 67, 612 34 56 78.
        r"[6789][0-9]{2}[ .-][0-9]{2}[ .-][0-9]{2}[ .-][0-9]{2}",
        r"[6789][0-9]{2}[ .-][0-9]{3}[ .-][0-9]{3}",
        r"9[0-9][ .-][0-9]{3}[ .-][0-9]{2}[ .-][0-9]{2}",
        // Poland: 22 123 45 67, 512-345-678.
        r"\(?[1-9][0-9]\)?[ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}",
        r"[4-8][0-9]{2}-[0-9]{3}-[0-9]{3}",
        // An area code with a nought: 030 901820, 0171/1234567, (030) 901820, 020 7946 0958, 06 12345678, 07700 900123.
        r"\(0[1-9][0-9]{0,4}\)[ ]?[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}",
        r"0[1-9][0-9]{0,4}[ /-]{1,3}[0-9]{2,8}(?:[ -][0-9]{2,8}){0,4}",
        // Italy's mobile numbers: 333 1234567.
        r"3[2-9][0-9][ .-][0-9]{6,7}",
        r"3[2-9][0-9][ .-][0-9]{3}[ .-][0-9]{4}",
        // Everything in one piece, with its nought.
        r"0[1-9][0-9]{8,10}",
    ]
    .map(expression)
    .into()
});

/// Any number that a word about calling may make one.
static LOOSE: LazyLock<Regex> =
    LazyLock::new(|| expression(r"\(?[0-9]{1,12}\)?(?:[ \u{A0}.\-/]{1,2}\(?[0-9]{2,8}\)?){0,6}"));

/// Words that are about calling.
static CALLING: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"(?i)(?:\btel\b|\btel[.:]|tele[fp]h?[oó]n\p{L}*|téléphone\p{L}*|\bphone\p{L}*|\bfone\b|\bcall(?:ed|ing|s)?\b|\bcallback\b|\bmobile\b|\bmob\b|\bcell(?:phone)?\b|",
        r"\bring me\b|\bwhats ?app\b|\bsms\b|\btext me\b|\bviber\b|\bsignal\b|\breach\p{L}*\b|\bfax\b|\bhotline\b|\bhandy\p{L}*|\bmobil\p{L}*|",
        r"\brufnummer|\bruf\p{L}* .{0,12}an\b|\banruf\p{L}*|\berreich\p{L}*|\bdurchwahl|\brückruf\p{L}*|\bmóvil|\bll[aá]m\p{L}*|\bportable\b|\bappel\p{L}*|\bjoind\p{L}*|\bjoign\p{L}*|",
        r"\bcelular|\btelem[oó]vel|\blig(?:ar|ue|uem|a|ou)\b|\bcontacto\b|\bcellulare|\bchiam\p{L}*|\bbel(?:len|t)?\b|\btelefoon\p{L}*|\b06-nummer|\bkom[oó]rk\p{L}*|\bdzwon\p{L}*|\bzadzwo\p{L}*|",
        r"\bnumer(?:u)? (?:telefonu|kom)|телефон\p{L}*|\bтел\b|\bтел[.:]|звон\p{L}*|\bмоб\p{L}*|\bномер телефона|набер\p{L}*|вотсап|ватсап|перезвон\p{L}*|созвон\p{L}*)",
    ))
});

/// Words that say a number is about something else.
static OTHERWISE: LazyLock<Regex> = LazyLock::new(|| {
    expression(concat!(
        r"(?i)(?:order|ticket|invoice|receipt|tracking|parcel|shipment|reference|\bref\b|case|\bsku\b|article|item|part|serial|\bimei\b|\bisbn\b|\bean\b|",
        r"\bupc\b|\bgtin\b|\btag\b|\bbatch\b|account|sort code|customer (?:no|number|id)|booking|reservation|voucher|coupon|code|\bpin\b|amount|total|model|version|bestell\p{L}*|auftrag\p{L}*|rechnung\p{L}*|sendung\p{L}*|paket\p{L}*|",
        r"kunden\p{L}*|artikel\p{L}*|serien\p{L}*|pedido|factura|fatura|seguimiento|envío|referencia|commande|facture|colis|suivi|référence|encomenda|ordine|fattura|spedizione|",
        r"bestelling|factuur|pakket|zamówieni\p{L}*|faktur\p{L}*|przesyłk\p{L}*|paczk\p{L}*|заказ\p{L}*|трек\p{L}*|посылк\p{L}*|накладн\p{L}*|счет\p{L}*|счёт\p{L}*|артикул\p{L}*|договор\p{L}*|бронь|№)[^.!?\n]*$",
    ))
});

pub(super) fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let international = INTERNATIONAL.find_iter(text).filter_map(|number| international(text, number.range()));
    found.extend(international);
    for shape in SHAPES.iter() {
        let shaped = shape.find_iter(text).map(|number| number.range());
        found.extend(shaped.filter(|bytes| {
            is_apart(text, bytes)
                && !is_in_a_row(text, bytes)
                && is_long_enough(text, bytes)
                // Nobody but the owner of a telephone puts a nought in brackets.
                && (text[bytes.start..].starts_with("(0") || !is_otherwise(text, bytes))
        }));
    }
    let loose = LOOSE.find_iter(text).map(|number| number.range());
    found.extend(loose.filter_map(|bytes| called(text, bytes)));
    found
}

/// A number with a country code that exists, cut where it has as many digits as a number can have.
fn international(text: &str, bytes: Range<usize>) -> Option<Range<usize>> {
    if follows_word(text, bytes.start) || precedes_word(text, bytes.end) {
        return None;
    }
    let words = &text[bytes.clone()];
    let plus = words.starts_with('+');
    let mut number = digits::of(words);
    let mut end = bytes.end;
    if !plus {
        number.drain(..2);
    }
    // A date or an hour that follows is not part of it: groups go from the end until what is left can be dialled.
    while number.len() > MOST_DIGITS {
        let cut = text[bytes.start..end].rfind(|c: char| !c.is_ascii_digit())?;
        let dropped = text[bytes.start + cut..end].bytes().filter(u8::is_ascii_digit).count();
        number.truncate(number.len() - dropped);
        end = bytes.start + text[bytes.start..bytes.start + cut].trim_end_matches(|c: char| !c.is_ascii_digit()).len();
    }
    let least = if plus { LEAST_DIGITS + 1 } else { 9 };
    let may_be = number.len() >= least && is_country(&number);
    let is_number = may_be && (plus || !is_otherwise(text, &bytes));
    is_number.then_some(bytes.start..end)
}

/// Country calling codes (ITU-T E.164 assigned), by their first one or two digits; three-digit ones by their zone.
fn is_country(number: &[u8]) -> bool {
    match number[..2] {
        [1, area] => area >= 2,
        [7, zone] => zone != 0,
        [2, 0 | 7] => true,
        [2, second] => second <= 6 || second == 9,
        [3, second] => second <= 9,
        [4, second] => second != 2 || number[2] <= 3,
        [5, _] | [6, _] => true,
        [8, second] => matches!(second, 0..=2 | 4..=6 | 8),
        [9, second] => second <= 9,
        _ => false,
    }
}

/// Whether the number stands by itself: no letter, digit, currency or further group touches it.
fn is_apart(text: &str, bytes: &Range<usize>) -> bool {
    let mut front = text[..bytes.start].chars().rev();
    let mut back = text[bytes.end..].chars();
    let (last, last_but_one) = (front.next(), front.next());
    let (next, next_but_one) = (back.next(), back.next());
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let joins = |c: Option<char>| c.is_some_and(|c| matches!(c, '-' | '.' | ',' | '/' | ':' | '#' | '_' | '+' | '='));
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let money = |c: Option<char>| c.is_some_and(|c| matches!(c, '$' | '€' | '£' | '₽' | '¥' | '%' | '°'));
    let touches = word(last) || word(next) || money(last) || money(next) || last == Some('#');
    let goes_on = joins(last) && word(last_but_one) || joins(next) && is_digit(next_but_one);
    !(touches || goes_on)
}

/// Whether other groups of digits stand right before or after: then it is part of something longer.
fn is_in_a_row(text: &str, bytes: &Range<usize>) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let beyond =
        |mut towards: Box<dyn Iterator<Item = char> + '_>| towards.next() == Some(' ') && is_digit(towards.next());
    beyond(Box::new(text[..bytes.start].chars().rev())) || beyond(Box::new(text[bytes.end..].chars()))
}

fn is_long_enough(text: &str, bytes: &Range<usize>) -> bool {
    let count = digits::of(&text[bytes.clone()]).len();
    (LEAST_DIGITS..=MOST_DIGITS).contains(&count)
}

/// Whether a word before the number, nearer than one about calling, says that it is something else.
fn is_otherwise(text: &str, bytes: &Range<usize>) -> bool {
    let front = before(text, bytes.start, REACH);
    let about_calling = CALLING.find_iter(front).last().map_or(0, |word| word.end());
    OTHERWISE.is_match(&front[about_calling..])
}

/// A number right after a word about calling.
fn called(text: &str, bytes: Range<usize>) -> Option<Range<usize>> {
    let words = text[bytes.clone()].trim_end_matches(|c: char| !c.is_ascii_digit() && c != ')');
    let bytes = bytes.start..bytes.start + words.len();
    let front = before(text, bytes.start, REACH);
    let calling = CALLING.find_iter(front).last()?;
    let between = &front[calling.end()..];
    // What is meant stands soon after the word, in the same sentence, with no other number between.
    let is_near = between.chars().count() <= 28
        && !between.contains(['!', '?', '\n'])
        && !between.bytes().any(|byte| byte.is_ascii_digit());
    let is_number = is_near
        && is_apart(text, &bytes)
        && is_long_enough(text, &bytes)
        && !OTHERWISE.is_match(between)
        && !is_time_or_date(words);
    is_number.then_some(bytes)
}

/// `2026-03-04`, `04.03.2026`.
fn is_time_or_date(words: &str) -> bool {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        expression(
            r"^(?:(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:19|20)[0-9]{2})",
        )
    });
    DATE.is_match(words)
}

#[cfg(test)]
mod tests {
    use crate::redaction::{Names, Redactor};

    fn phone(text: &str) -> Vec<&str> {
        Redactor::default().find(text, &Names::default()).into_iter().map(|span| &text[span.bytes]).collect()
    }

    #[test]
    fn a_number_with_a_country_code_is_found_in_every_style() {
        for number in [
            "+44 20 7946 0958",
            "+49 (0)30 901820",
            "0049-30-901820",
            "+7 (495) 123-45-67",
            "+1-212-555-0143",
            "+4915112345678",
        ] {
            assert_eq!(phone(&format!("well {number} it is")), [number]);
        }
    }

    #[test]
    fn a_number_in_a_countrys_own_shape_is_found() {
        for number in
            ["(212) 555-0143", "212.555.0143", "030 901820", "020 7946 0958", "01 23 45 67 89", "8 (495) 123-45-67"]
        {
            assert_eq!(phone(&format!("well {number}, please")), [number]);
        }
    }

    #[test]
    fn a_word_about_calling_makes_a_plain_number_one() {
        assert_eq!(phone("please call me at 5550143 tomorrow"), ["5550143"]);
        assert_eq!(phone("звоните 901 82 03"), ["901 82 03"]);
        assert!(phone("please check 5550143 tomorrow").is_empty());
    }

    #[test]
    fn numbers_about_something_else_stay() {
        for text in [
            "i called about order 12345678",
            "on 2026-03-04 10:12",
            "call me on 04.03.2026",
            "it was 1,299.00 or 1 299 000",
            "24/7",
            "ISBN 978-3-16-148410-0",
            "tracking 0034043412345678",
        ] {
            assert!(phone(text).is_empty(), "{text}: {:?}", phone(text));
        }
    }
}
