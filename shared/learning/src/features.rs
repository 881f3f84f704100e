//! Text as counted n-grams.
//!
//! Two families: words (single words and neighbouring pairs) say what is asked; characters (two to five, within
//! a word and its edges) survive typing errors, inflection and compounds. N-grams are known by a hash from here
//! on, so no customer's words travel through queues or into an artefact.
//!
//! Bounded: a text is cut at [`MAX_CHARACTERS`](crate::content::MAX_CHARACTERS) characters, and each family stops
//! reading at [`MAX_OCCURRENCES`] n-grams, counted from the beginning of the text, where the question is.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::content::normalise;

/// N-grams of one family that are read from one text, repeated ones included.
pub const MAX_OCCURRENCES: usize = 8_192;

const WORD_SEED: u64 = 0x776f_7264_0000_0001;
const CHARACTER_SEED: u64 = 0x6368_6172_0000_0001;
const SHORTEST_CHARACTER_NGRAM: usize = 2;
const LONGEST_CHARACTER_NGRAM: usize = 5;

/// An n-gram, by its hash, and how often a text has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureCount {
    /// XXH3-64 of the n-gram's UTF-8 bytes, seeded by its family.
    pub hash: u64,
    /// Occurrences in the text, at least 1.
    pub count: u16,
}

/// The n-grams of one text. In each family hashes ascend and are distinct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeatureCounts {
    words: Vec<FeatureCount>,
    characters: Vec<FeatureCount>,
}

impl FeatureCounts {
    /// Single words and pairs of neighbouring words.
    #[must_use]
    pub fn words(&self) -> &[FeatureCount] {
        &self.words
    }

    /// Runs of two to five characters within a word and its edges.
    #[must_use]
    pub fn characters(&self) -> &[FeatureCount] {
        &self.characters
    }

    /// Puts families together that already ascend by distinct hash, as [`crate::batch`] reads them.
    pub(crate) fn from_ascending(words: Vec<FeatureCount>, characters: Vec<FeatureCount>) -> Self {
        debug_assert!(words.is_sorted_by(|a, b| a.hash < b.hash));
        debug_assert!(characters.is_sorted_by(|a, b| a.hash < b.hash));
        Self { words, characters }
    }
}

/// The n-grams of a text.
#[must_use]
pub fn extract(text: &str) -> FeatureCounts {
    extract_normalised(&normalise(text))
}

pub(crate) fn extract_normalised(text: &str) -> FeatureCounts {
    FeatureCounts { words: counted(word_hashes(text)), characters: counted(character_hashes(text)) }
}

/// Hashes of words and of pairs of neighbours. A word is a run of letters, digits and underscores.
fn word_hashes(text: &str) -> Vec<u64> {
    let mut joined = String::with_capacity(text.len());
    let mut hashes = Vec::with_capacity(text.len() / 2);
    let mut previous_start = None;
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        if word.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        let start = joined.len();
        joined.push_str(word);
        hashes.push(xxh3_64_with_seed(word.as_bytes(), WORD_SEED));
        if let Some(previous_start) = previous_start {
            let pair = &joined.as_bytes()[previous_start..];
            hashes.push(xxh3_64_with_seed(pair, WORD_SEED));
        }
        previous_start = Some(start);
        if hashes.len() >= MAX_OCCURRENCES {
            hashes.truncate(MAX_OCCURRENCES);
            break;
        }
    }
    hashes
}

/// Hashes of character n-grams inside each token padded by one space on both sides; a token too short for a
/// length gives its whole padded self once (the scheme known as `char_wb` from scikit-learn).
fn character_hashes(text: &str) -> Vec<u64> {
    let mut hashes = Vec::with_capacity(text.len() * 4);
    let mut padded = String::new();
    let mut boundaries = Vec::new();
    for token in text.split_whitespace() {
        padded.clear();
        padded.push(' ');
        padded.push_str(token);
        padded.push(' ');
        boundaries.clear();
        boundaries.extend(padded.char_indices().map(|(at, _)| at));
        boundaries.push(padded.len());
        let characters = boundaries.len() - 1;
        for length in SHORTEST_CHARACTER_NGRAM..=LONGEST_CHARACTER_NGRAM {
            if characters <= length {
                hashes.push(xxh3_64_with_seed(padded.as_bytes(), CHARACTER_SEED));
                break;
            }
            hashes.extend(boundaries.windows(length + 1).map(|window| {
                let ngram = &padded.as_bytes()[window[0]..window[length]];
                xxh3_64_with_seed(ngram, CHARACTER_SEED)
            }));
        }
        if hashes.len() >= MAX_OCCURRENCES {
            hashes.truncate(MAX_OCCURRENCES);
            break;
        }
    }
    hashes
}

/// At most [`MAX_OCCURRENCES`] hashes, so a count fits its `u16`.
fn counted(mut hashes: Vec<u64>) -> Vec<FeatureCount> {
    hashes.sort_unstable();
    hashes
        .chunk_by(|a, b| a == b)
        .map(|equal| FeatureCount { hash: equal[0], count: u16::try_from(equal.len()).unwrap_or(u16::MAX) })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(ngram: &str) -> u64 {
        xxh3_64_with_seed(ngram.as_bytes(), WORD_SEED)
    }

    fn characters(ngram: &str) -> u64 {
        xxh3_64_with_seed(ngram.as_bytes(), CHARACTER_SEED)
    }

    fn hashes(family: &[FeatureCount]) -> Vec<u64> {
        family.iter().map(|feature| feature.hash).collect()
    }

    fn ascending<const N: usize>(mut hashes: [u64; N]) -> Vec<u64> {
        hashes.sort_unstable();
        hashes.to_vec()
    }

    #[test]
    fn words_come_alone_and_in_pairs_across_punctuation() {
        let counts = extract("My card, MY card!");
        assert_eq!(hashes(counts.words()), ascending(["my", "card", "my card", "card my"].map(word)));
        let my_card = counts.words().iter().find(|f| f.hash == word("my card"));
        assert_eq!(my_card.map(|feature| feature.count), Some(2));
    }

    #[test]
    fn characters_stay_within_a_word_and_its_edges() {
        let counts = extract("né a");
        let expected = [" n", "né", "é ", " né", "né ", " né ", " a", "a ", " a "];
        assert_eq!(hashes(counts.characters()), ascending(expected.map(characters)));
    }

    #[test]
    fn a_text_without_words_has_no_features() {
        assert_eq!(extract(" \n\t "), FeatureCounts::default());
    }

    #[test]
    fn the_beginning_of_an_endless_text_is_what_counts() {
        let endless = format!("refund {}", "ab ".repeat(100_000));
        let counts = extract(&endless);
        let occurrences: usize = counts.characters().iter().map(|f| usize::from(f.count)).sum();
        assert!(occurrences <= MAX_OCCURRENCES);
        assert!(hashes(counts.words()).contains(&word("refund")));
    }

    proptest! {
        #[test]
        fn every_text_gives_bounded_distinct_ascending_features(text in ".{0,400}") {
            let counts = extract(&text);
            for family in [counts.words(), counts.characters()] {
                prop_assert!(family.is_sorted_by(|a, b| a.hash < b.hash));
                prop_assert!(family.iter().all(|feature| feature.count > 0));
                let occurrences: usize = family.iter().map(|f| usize::from(f.count)).sum();
                prop_assert!(occurrences <= MAX_OCCURRENCES);
            }
        }
    }
}
