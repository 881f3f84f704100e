//! Groups of digits in a text, and the check digits that tell a real number from any other.

use std::ops::Range;

/// The digits of a piece of text, what stands between them left out.
pub(super) fn of(words: &str) -> Vec<u8> {
    words.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect()
}

/// Luhn's formula (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

/// The sum of digits times weights.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// Digits as one number.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// A run of digits without anything between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) bytes: Range<usize>,
}

/// Runs of digits, in order. One that touches a letter is part of a word and none of them.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let bytes = text.as_bytes();
    let mut groups = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if !super::follows_word(text, start) && !super::precedes_word(text, at) {
            groups.push(Group { bytes: start..at });
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhns_formula_knows_a_digit_that_was_mistyped() {
        assert!(luhn(&of("4111 1111 1111 1111")));
        assert!(!luhn(&of("4111 1111 1111 1112")));
    }

    #[test]
    fn digits_inside_a_word_are_no_group() {
        let text = "a12 34 b 5-678x 9";
        let found: Vec<_> = groups(text).into_iter().map(|group| &text[group.bytes]).collect();
        assert_eq!(found, ["34", "5", "9"]);
    }
}
