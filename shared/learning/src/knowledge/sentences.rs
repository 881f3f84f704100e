//! Sentences of an article: found by themselves, and given as the answer in place of the whole passage.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::embedding::Embedding;

/// Sentences of one passage; a longer passage is found as a whole.
pub const MAX_SENTENCES: usize = 64;
/// Characters up to which a passage is given whole.
const SHORT_PASSAGE: usize = 240;
/// Share of the best sentence's score from which its neighbour is given, too.
const NEARLY_AS_GOOD: f32 = 0.75;
/// Letters below which what ends with a full stop is an abbreviation or an initial and no sentence.
const SHORTEST_SENTENCE: usize = 12;

/// Words, in small letters, that a sentence begins with when it speaks of the one before.
const ANAPHORS: &[&str] = &[
    "it",
    "its",
    "this",
    "that",
    "these",
    "those",
    "they",
    "their",
    "he",
    "she",
    "his",
    "her",
    "there",
    "then",
    "such",
    "however",
    "otherwise",
    "instead",
    "also",
    "afterwards",
    "so",
    "er",
    "sie",
    "es",
    "dies",
    "diese",
    "dieser",
    "dieses",
    "dann",
    "dabei",
    "dazu",
    "damit",
    "daher",
    "sonst",
    "ihre",
    "seine",
    "dort",
    "danach",
    "deshalb",
    "allerdings",
    "jedoch",
    "este",
    "esta",
    "esto",
    "estos",
    "estas",
    "ese",
    "esa",
    "eso",
    "ello",
    "él",
    "ella",
    "ellos",
    "luego",
    "además",
    "entonces",
    "sin",
    "это",
    "этот",
    "эта",
    "эти",
    "он",
    "она",
    "оно",
    "они",
    "его",
    "её",
    "их",
    "там",
    "тогда",
    "затем",
    "однако",
    "также",
    "поэтому",
    "при",
];

/// A sentence of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Bytes of the passage's text.
    pub range: Range<usize>,
    /// `None` where there is no encoder, or it does not know the language.
    pub embedding: Option<Embedding>,
}

/// The sentences of a text as byte ranges, at most [`MAX_SENTENCES`]; none where the text is a list, is short, or has only
/// one.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    if text.chars().count() <= SHORT_PASSAGE || is_list(text) {
        return Vec::new();
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, piece) in text.split_sentence_bound_indices() {
        let end = start + piece.trim_end().len();
        let is_short = |range: &Range<usize>| {
            text[range.clone()].chars().filter(|char| char.is_alphabetic()).count() < SHORTEST_SENTENCE
        };
        match ranges.last_mut() {
            Some(last) if is_short(last) || is_short(&(start..end)) => last.end = end.max(last.end),
            _ => ranges.push(start..end),
        }
    }
    if ranges.len() < 2 || ranges.len() > MAX_SENTENCES { Vec::new() } else { ranges }
}

/// True for a text with steps or bullets: taken apart, it says something else.
fn is_list(text: &str) -> bool {
    let is_item = |line: &&str| {
        let line = line.trim_start();
        let rest = line.trim_start_matches(|char: char| char.is_ascii_digit());
        line.starts_with(['-', '*', '•', '–']) || (rest.len() < line.len() && rest.starts_with(['.', ')']))
    };
    text.lines().filter(is_item).count() >= 2
}

/// The part of a text that answers best, given the score of each sentence: the best one, its neighbour where that is
/// nearly as good, and the sentence before where the first of them speaks of it.
pub(super) fn extract<'text>(text: &'text str, ranges: &[Range<usize>], scores: &[f32]) -> &'text str {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let Some(best) = scores.iter().position(|score| *score == greatest) else { return text };
    let is_near = |at: usize| scores.get(at).is_some_and(|score| *score >= NEARLY_AS_GOOD * greatest);
    let (mut first, mut last) = (best, best);
    if is_near(best + 1) {
        last += 1;
    } else if best > 0 && is_near(best - 1) {
        first -= 1;
    }
    if first > 0 && speaks_of_another(&text[ranges[first].clone()]) {
        first -= 1;
    }
    &text[ranges[first].start..ranges[last].end]
}

fn speaks_of_another(sentence: &str) -> bool {
    let word = sentence.split(|char: char| !char.is_alphabetic()).find(|word| !word.is_empty());
    word.is_some_and(|word| ANAPHORS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "Parcels leave our house on the day of the order. They arrive within three working days in the \
                        whole country. Islands take two days more than that. Letters are sent once a week, on Fridays, \
                        and need no signature at all when they are handed over.";

    #[test]
    fn a_sentence_that_speaks_of_another_brings_it_along() {
        let ranges = sentences(TEXT);
        assert_eq!(ranges.len(), 4);
        assert_eq!(
            extract(TEXT, &ranges, &[0.1, 0.9, 0.2, 0.0]),
            "Parcels leave our house on the day of the order. They arrive within three working days in the whole country."
        );
        assert_eq!(extract(TEXT, &ranges, &[0.0, 0.0, 0.9, 0.1]), "Islands take two days more than that.");
    }

    #[test]
    fn lists_and_short_texts_are_not_taken_apart() {
        assert!(sentences("Press the button. Wait for it.").is_empty());
        let steps = format!("Do this with care:\n1. Press the button.\n2. Wait for {}.", "a while ".repeat(40));
        assert!(sentences(&steps).is_empty());
    }

    proptest! {
        #[test]
        fn sentences_are_parts_of_the_text_in_order(text in "[a-zA-Zä .!?\n]{0,600}") {
            let ranges = sentences(&text);
            prop_assert!(ranges.is_sorted_by(|a, b| a.end <= b.start));
            let scores: Vec<f32> = ranges.iter().map(|range| range.len() as f32).collect();
            prop_assert!(text.contains(extract(&text, &ranges, &scores)));
        }
    }
}
