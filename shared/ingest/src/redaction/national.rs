//! Numbers that states give people, where a check digit or a shape of their own tells them from other numbers.
//!
//! One that is only a run of digits is taken only after the word that names it: every tenth order number would pass
//! its check.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::digits::{luhn, number, of, weighted};
use super::{before, expression, follows_word, precedes_word};

/// Digits of the shortest of them, a British one.
pub(super) const LEAST_DIGITS: usize = 6;

/// How far before a number the word that names it may stand, in bytes.
const REACH: usize = 40;

/// A kind of number: how it is written, and when it is one.
struct Rule {
    shape: Regex,
    /// The words that must stand before it.
    named: Option<Regex>,
    holds: fn(&str) -> bool,
}

impl Rule {
    fn new(shape: &str, holds: fn(&str) -> bool) -> Self {
        Self { shape: expression(shape), named: None, holds }
    }

    fn named(names: &str, shape: &str, holds: fn(&str) -> bool) -> Self {
        // No other number stands between the word and its own.
        let names = format!(r"(?i)(?:{names})[^0-9]{{0,30}}$");
        Self { named: Some(expression(&names)), ..Self::new(shape, holds) }
    }
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    vec![
        // United States.
        Rule::new(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", is_ssn),
        Rule::named(r"\bssn\b|social security", r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}", is_ssn),
        // United Kingdom.
        Rule::new(r"(?i)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", is_nino),
        Rule::named(
            r"\bni\b|\bnino\b|national insurance",
            r"(?i)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
            has_nino_prefix,
        ),
        // Spain.
        Rule::new(r"(?i)(?:[0-9]{8}|[XYZ][ -]?[0-9]{7})[ -]?[A-Z]", is_dni),
        Rule::new(r"(?i)[0-9]{2}\.[0-9]{3}\.[0-9]{3}[ -]?[A-Z]", is_dni),
        // Italy.
        Rule::new(r"(?i)[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]", is_codice_fiscale),
        Rule::named(
            r"\bc\.? ?f\b|codice fiscale|cod\. fisc",
            r"(?i)[A-Z]{3} ?[A-Z]{3} ?[0-9]{2}[A-EHLMPRST][0-9]{2} ?[A-Z][0-9]{3} ?[A-Z]",
            is_codice_fiscale,
        ),
        // France.
        Rule::new(r"[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[ABab]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", is_nir),
        // Brazil.
        Rule::new(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", is_cpf),
        Rule::named(r"\bcpf\b", r"[0-9]{11}", is_cpf),
        // Russia: the pension's number, the tax payer's.
        Rule::new(r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}", is_snils),
        Rule::named(r"снилс|\bsnils\b", r"[0-9]{11}", is_snils),
        Rule::named(r"\bинн\b|\binn\b", r"[0-9]{12}|[0-9]{10}", is_inn),
        // Poland.
        Rule::new(r"[0-9]{11}", is_pesel),
        // The Netherlands.
        Rule::named(
            r"\bbsn\b|burgerservicenummer|sofi-?nummer",
            r"[0-9]{9}|[0-9]{4}[ .][0-9]{2}[ .][0-9]{3}|[0-9]{3}[ .][0-9]{3}[ .][0-9]{3}",
            is_bsn,
        ),
        // Germany.
        Rule::named(
            r"steuer[- ]?id(?:entifikationsnummer)?\p{L}*|steuerliche identifikationsnummer|\bsteuer-?identnummer|\bidnr\b|\bsteuernummer|\btax id",
            r"[0-9]{11}|[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}",
            is_steuer_id,
        ),
        // Portugal.
        Rule::named(r"\bnif\b|contribuinte", r"[0-9]{9}|[0-9]{3} [0-9]{3} [0-9]{3}", is_nif),
        // Sweden.
        Rule::named(r"personnummer|\bpersonnr\b", r"(?:[0-9]{2})?[0-9]{6}[-+]?[0-9]{4}", is_personnummer),
    ]
});

pub(super) fn numbers(text: &str) -> Vec<Range<usize>> {
    let found = |rule: &'static Rule| {
        rule.shape.find_iter(text).map(|found| found.range()).filter(|bytes| {
            !follows_word(text, bytes.start)
                && !precedes_word(text, bytes.end)
                && !joins_digits(text, bytes)
                && rule.named.as_ref().is_none_or(|named| named.is_match(before(text, bytes.start, REACH)))
                && (rule.holds)(&text[bytes.clone()])
        })
    };
    RULES.iter().flat_map(found).collect()
}

/// Whether a longer number, written in parts, goes on before or after these.
fn joins_digits(text: &str, bytes: &Range<usize>) -> bool {
    let joint = |mut towards: Box<dyn Iterator<Item = char> + '_>| {
        matches!(towards.next(), Some('-' | '.' | '/')) && towards.next().is_some_and(|c| c.is_ascii_digit())
    };
    joint(Box::new(text[..bytes.start].chars().rev())) || joint(Box::new(text[bytes.end..].chars()))
}

/// Area, group and serial that were ever given (Social Security Administration).
fn is_ssn(words: &str) -> bool {
    let digits = of(words);
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

/// A prefix that is in use (HM Revenue & Customs, NIM39110).
fn is_nino(words: &str) -> bool {
    // In lower case and without spaces it could be any code; a person writes such a number large.
    let is_large = words.starts_with(|c: char| c.is_ascii_uppercase());
    is_large && has_nino_prefix(words)
}

fn has_nino_prefix(words: &str) -> bool {
    let prefix = words[..2].to_ascii_uppercase();
    !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(&prefix.as_str())
}

/// The letter belongs to the number modulo 23 (Real Decreto 1553/2005).
fn is_dni(words: &str) -> bool {
    let written: Vec<u8> = words.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    let Some((letter, body)) = written.split_last() else { return false };
    let number = body.iter().fold(0_u64, |number, byte| match byte {
        b'X' => number,
        b'Y' => 1,
        b'Z' => 2,
        digit => number * 10 + u64::from(digit - b'0'),
    });
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize] == *letter
}

/// The last letter follows from the others (Decreto Ministeriale 12 March 1974).
fn is_codice_fiscale(words: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let written: Vec<u8> =
        words.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect();
    let Some((check, body)) = written.split_last() else { return false };
    let place = |byte: &u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(index, byte)| if index % 2 == 0 { ODD[place(byte)] } else { place(byte) as u32 })
        .sum();
    u32::from(check - b'A') == sum % 26
}

/// A month that there is, and 97 less the number modulo 97 (INSEE); Corsica's letters count as a subtraction.
fn is_nir(words: &str) -> bool {
    let written: String = words.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let corsica = if written.contains('A') {
        1_000_000
    } else if written.contains('B') {
        2_000_000
    } else {
        0
    };
    let digits = of(&written.replace(['A', 'B'], "0"));
    if digits.len() != 15 {
        return false;
    }
    let month = number(&digits[3..5]);
    let body = number(&digits[..13]) - corsica;
    matches!(month, 1..=12 | 20..=42 | 50..=99) && 97 - body % 97 == number(&digits[13..])
}

/// Both check digits, each modulo 11 (Receita Federal).
fn is_cpf(words: &str) -> bool {
    let digits = of(words);
    let check = |count: usize| {
        let sum: u32 = (0..count).map(|i| u32::from(digits[i]) * (count + 1 - i) as u32).sum();
        u8::try_from(sum * 10 % 11 % 10).unwrap_or_default()
    };
    digits.iter().any(|digit| *digit != digits[0]) && check(9) == digits[9] && check(10) == digits[10]
}

/// The sum of the digits, weighted from 9 down, modulo 101 (Pension Fund of Russia).
fn is_snils(words: &str) -> bool {
    let digits = of(words);
    let sum = weighted(&digits[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    number(&digits[..9]) > 1_001_998 && u64::from(sum % 101 % 100) == number(&digits[9..])
}

/// One check digit of ten, or two of twelve, each modulo 11 (Federal Tax Service of Russia).
fn is_inn(words: &str) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let digits = of(words);
    let check = |count: usize| u32::from(digits[count]) == weighted(&digits[..count], &WEIGHTS[11 - count..]) % 11 % 10;
    match digits.len() {
        10 => check(9),
        _ => check(10) && check(11),
    }
}

/// A date of birth that there is, and the check digit (Ministry of Digital Affairs of Poland).
fn is_pesel(words: &str) -> bool {
    let digits = of(words);
    let (month, day) = (number(&digits[2..4]) % 20, number(&digits[4..6]));
    let sum = weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    matches!(month, 1..=12) && matches!(day, 1..=31) && sum.is_multiple_of(10)
}

/// The "eleven test": weights from 9 down to 2, and -1 for the last digit.
fn is_bsn(words: &str) -> bool {
    let digits = of(words);
    let sum = weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(&digits) > 0 && sum % 11 == u32::from(digits[8])
}

/// ISO 7064 MOD 11,10 (Bundeszentralamt für Steuern).
fn is_steuer_id(words: &str) -> bool {
    let digits = of(words);
    let product = digits[..10].iter().fold(10_u32, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    digits[0] != 0 && (11 - product) % 10 == u32::from(digits[10])
}

/// The check digit modulo 11 (Autoridade Tributária).
fn is_nif(words: &str) -> bool {
    let digits = of(words);
    let rest = weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    digits[0] != 0 && check == u32::from(digits[8])
}

/// Luhn's formula over the last ten digits (Skatteverket).
fn is_personnummer(words: &str) -> bool {
    let digits = of(words);
    luhn(&digits[digits.len() - 10..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut found = numbers(text);
        found.dedup();
        found.into_iter().map(|bytes| &text[bytes]).collect()
    }

    #[test]
    fn numbers_that_check_are_found() {
        for (text, expected) in [
            ("my ssn is 123-45-6789", "123-45-6789"),
            ("NI number AB 12 34 56 C", "AB 12 34 56 C"),
            ("dni 12345678Z", "12345678Z"),
            ("NIE X1234567L", "X1234567L"),
            ("CF RSSMRA85T10A562S", "RSSMRA85T10A562S"),
            ("cpf 529.982.247-25", "529.982.247-25"),
            ("СНИЛС 112-233-445 95", "112-233-445 95"),
            ("ИНН 500100732259", "500100732259"),
            ("PESEL 44051401359", "44051401359"),
            ("mijn BSN is 111222333", "111222333"),
            ("Steuer-ID: 86095742719", "86095742719"),
            ("personnummer 811228-9874", "811228-9874"),
        ] {
            assert_eq!(words(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_wrong_digit_makes_it_some_other_number() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "dni 12345678A",
            "cpf 529.982.247-24",
            "111.111.111-11",
            "СНИЛС 112-233-445 96",
            "PESEL 44051401358",
            "BSN 111222334",
            "Steuer-ID 86095742718",
        ] {
            assert!(words(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn mere_digits_need_the_word_before_them() {
        assert!(words("order 111222333").is_empty());
        assert!(words("BSN unknown, order 5 of 111222333").is_empty());
    }
}
