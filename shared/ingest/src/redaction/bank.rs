//! Payment cards and bank accounts: both carry check digits, so a number is taken for one only if they are right.

use std::ops::Range;

use super::{digits, follows_word, precedes_word};

/// Digits of the shortest card number.
pub(super) const LEAST_CARD_DIGITS: usize = 13;
/// Digits of the longest.
const MOST_CARD_DIGITS: usize = 19;
/// Digits that every account number has: its check digits, and no fewer of the account.
pub(super) const LEAST_IBAN_DIGITS: usize = 6;

/// Card numbers: groups of digits with one space, dash or dot between them that satisfy Luhn's formula and begin as a
/// network's numbers do.
pub(super) fn cards(text: &str) -> Vec<Range<usize>> {
    let groups = digits::groups(text);
    let mut cards = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        match longest_card(text, &groups[first..]) {
            Some((used, bytes)) => {
                cards.push(bytes);
                first += used;
            }
            None => first += 1,
        }
    }
    cards
}

/// The longest card number that begins with the first of these groups, and how many of them it takes.
fn longest_card(text: &str, groups: &[digits::Group]) -> Option<(usize, Range<usize>)> {
    let start = groups.first()?.bytes.start;
    // A telephone number may satisfy Luhn's formula, and so does one of ten article numbers.
    if text[..start].ends_with('+') || is_named_article(&text[..start]) {
        return None;
    }
    let mut number = Vec::new();
    let mut longest = None;
    let mut end = start;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 && !is_separator(&text[end..group.bytes.start]) {
            break;
        }
        number.extend(digits::of(&text[group.bytes.clone()]));
        end = group.bytes.end;
        if number.len() > MOST_CARD_DIGITS {
            break;
        }
        // Somebody who writes a card in groups writes no group of one or two digits.
        let in_groups = index == 0 || group.bytes.len() >= 3;
        if in_groups && is_card(&number) {
            longest = Some((index + 1, start..end));
        }
    }
    longest
}

/// Returns true if a number is called one of an article: `EAN 4006…`, `GTIN: …`.
fn is_named_article(before: &str) -> bool {
    const NAMES: &[&str] =
        &["ean", "gtin", "isbn", "upc", "asin", "sku", "штрихкод", "штрих-код", "артикул", "barcode"];
    let word = before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '#' | '№' | '.' | '-'));
    let word = word.rsplit(|c: char| !c.is_alphabetic() && c != '-').next().unwrap_or_default();
    word.len() <= 40 && NAMES.contains(&word.to_lowercase().as_str())
}

fn is_separator(between: &str) -> bool {
    matches!(between, " " | "-" | "." | "\u{A0}" | " - " | "\u{2011}" | "\u{202F}" | "  ")
}

/// Lengths and first digits as the networks publish them, and the check digit.
fn is_card(number: &[u8]) -> bool {
    let begins = |count: usize| digits::number(&number[..count.min(number.len())]);
    let network = match number.len() {
        13 => begins(1) == 4,
        14 => matches!(begins(3), 300..=305) || matches!(begins(2), 36 | 38 | 39),
        15 => matches!(begins(2), 34 | 37),
        16 => {
            begins(1) == 4
                || matches!(begins(2), 51..=55 | 65 | 62 | 50 | 56..=58 | 60 | 63 | 67)
                || matches!(begins(4), 2221..=2720 | 3528..=3589 | 6011 | 2200..=2204)
                || matches!(begins(3), 644..=649)
        }
        17..=19 => begins(1) == 4 || matches!(begins(2), 62 | 50 | 56..=58 | 60 | 63 | 67 | 65),
        _ => false,
    };
    network && digits::luhn(number)
}

/// Account numbers: a country's letters, its length, and a remainder of 1 modulo 97 (ISO 13616, ISO 7064).
pub(super) fn ibans(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut ibans = Vec::new();
    let mut at = 0;
    while at + 4 <= bytes.len() {
        let begins = bytes[at].is_ascii_alphabetic()
            && bytes[at + 1].is_ascii_alphabetic()
            && bytes[at + 2].is_ascii_digit()
            && bytes[at + 3].is_ascii_digit()
            && !follows_word(text, at);
        match begins.then(|| iban(text, at)).flatten() {
            Some(found) => {
                at = found.end;
                ibans.push(found);
            }
            None => at += 1,
        }
    }
    ibans
}

fn iban(text: &str, start: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let country = [bytes[start].to_ascii_uppercase(), bytes[start + 1].to_ascii_uppercase()];
    let length = LENGTHS.iter().find(|(known, _)| **known == country)?.1;
    let mut account = Vec::with_capacity(length);
    let mut at = start;
    let mut gap = false;
    while account.len() < length {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                account.push(byte.to_ascii_uppercase());
                gap = false;
            }
            Some(b' ' | b'-' | b'.') if !gap => gap = true,
            _ => return None,
        }
        at += 1;
    }
    (!precedes_word(text, at) && remainder(&account) == 1).then_some(start..at)
}

/// Of the account with its first four characters moved to the end, letters counted from 10, modulo 97.
fn remainder(account: &[u8]) -> u32 {
    let (head, tail) = account.split_at(4);
    tail.iter().chain(head).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

/// Lengths by country, from the IBAN registry of SWIFT.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, find: fn(&str) -> Vec<Range<usize>>) -> Vec<&str> {
        find(text).into_iter().map(|bytes| &text[bytes]).collect()
    }

    #[test]
    fn a_number_that_is_called_an_articles_is_no_card() {
        for text in ["EAN 4006381330060", "gtin: 4006381330060", "штрихкод № 4006381330060"] {
            assert!(cards(text).is_empty(), "{text}");
        }
        assert_eq!(cards("my card 4222222222222").len(), 1);
    }

    #[test]
    fn a_card_is_found_however_it_is_grouped() {
        for card in
            ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "4111\u{A0}1111\u{A0}1111\u{A0}1111"]
        {
            assert_eq!(words(&format!("it is {card}, charge it"), cards), [card]);
        }
    }

    #[test]
    fn a_card_ends_where_its_number_ends() {
        assert_eq!(words("card 4111 1111 1111 1111 12/27 cvc 123", cards), ["4111 1111 1111 1111"]);
    }

    #[test]
    fn a_number_with_a_wrong_check_digit_is_no_card() {
        assert!(cards("4111111111111112").is_empty());
        assert!(cards("tracking 9400110200881234567890").is_empty());
    }

    #[test]
    fn an_account_is_found_with_and_without_spaces_and_in_lower_case() {
        for account in ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "fr1420041010050500013m02606"] {
            assert_eq!(words(&format!("to {account}."), ibans), [account]);
        }
    }

    #[test]
    fn an_account_with_a_wrong_digit_or_another_length_is_none() {
        for account in ["DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000", "de89"] {
            assert!(ibans(account).is_empty(), "{account}");
        }
    }

    #[test]
    fn no_country_has_two_lengths() {
        for (index, (country, _)) in LENGTHS.iter().enumerate() {
            assert!(LENGTHS[..index].iter().all(|(other, _)| other != country));
        }
    }
}
