//! The words of a segment's documents, and what a query's words find among them.
//!
//! Words and stems are two dictionaries: a query's word is looked for as it is and by its stem in each language of the
//! segment. One that nobody wrote is taken for the beginning of a word, where it may be one, or for a misspelling: at one
//! insertion, deletion, substitution or transposition from four letters on, at two from eight on (Schulz and Mihov 2002,
//! "Fast String Correction with Levenshtein Automata").

use std::sync::LazyLock;

use fst::automaton::Str;
use fst::{Automaton, IntoStreamer, Map, MapBuilder, Streamer};
use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};

use super::segment::Segment;
use super::words::{Endings, Query, QueryWord};

/// Words that one word of a query is taken for, at most.
const MAX_MEANT: usize = 64;
/// What a document is worth that has a word's stem but not the word, against one that has the word.
const STEM: f32 = 0.9;
/// The same of a word that begins like it.
const BEGUN: f32 = 0.9;
/// The same for each error in it.
const ERROR: f32 = 0.8;
/// The greatest impact.
const GREATEST: f32 = 255.0;

/// A document that holds a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) document: u32,
    /// How much the word says of it, in 255ths of all it could.
    pub(super) impact: u8,
}

/// Words in their order, each with the documents that hold it.
pub(super) struct Dictionary {
    /// Of each word the place of its postings.
    words: Map<Vec<u8>>,
    /// Of each word: how many documents, and for each how far it is from the one before it, as variable-length integers
    /// (LEB128), and its impact.
    postings: Vec<u8>,
}

impl Dictionary {
    /// Of words in ascending order.
    pub(super) fn of(words: impl Iterator<Item = (String, Vec<Posting>)>) -> Self {
        let mut map = MapBuilder::memory();
        let mut postings = Vec::new();
        for (word, of_word) in words {
            // Words ascend, so that this cannot fail.
            if map.insert(word, postings.len() as u64).is_err() {
                continue;
            }
            put(&mut postings, of_word.len() as u32);
            let mut last = 0;
            for Posting { document, impact } in of_word {
                put(&mut postings, document - last);
                postings.push(impact);
                last = document;
            }
        }
        Self { words: map.into_map(), postings }
    }

    pub(super) fn parts(&self) -> [&[u8]; 2] {
        [self.words.as_fst().as_bytes(), &self.postings]
    }

    pub(super) fn from_parts(words: &[u8], postings: &[u8]) -> Option<Self> {
        Some(Self { words: Map::new(words.to_vec()).ok()?, postings: postings.to_vec() })
    }

    fn exactly(&self, word: &str) -> Option<usize> {
        self.words.get(word).map(|at| at as usize)
    }

    fn beginning(&self, word: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut stream = self.words.search(Str::new(word).starts_with()).into_stream();
        while let Some((_, at)) = stream.next() {
            found.push(Found { at: at as usize, weight: BEGUN });
            if found.len() == MAX_MEANT {
                break;
            }
        }
        found
    }

    /// Of the words that this one may be misspelt from those at the fewest errors, and what each is worth.
    fn alike(&self, word: &str, is_begun: bool) -> Vec<(String, f32)> {
        let (one, two) = &*ERRORS;
        let builders: &[&LevenshteinAutomatonBuilder] = match word.chars().count() {
            0..4 => &[],
            4..8 => &[one],
            _ => &[one, two],
        };
        for builder in builders {
            let automaton = if is_begun { builder.build_prefix_dfa(word) } else { builder.build_dfa(word) };
            let automaton = Misspelt(&automaton);
            let mut stream = self.words.search_with_state(&automaton).into_stream();
            let mut found = Vec::new();
            while let Some((meant, _, state)) = stream.next() {
                let errors = match automaton.0.distance(state) {
                    Distance::Exact(errors) => i32::from(errors),
                    Distance::AtLeast(_) => continue,
                };
                let Ok(meant) = str::from_utf8(meant) else { continue };
                found.push((meant.to_owned(), ERROR.powi(errors)));
                if found.len() == MAX_MEANT {
                    break;
                }
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn documents_with(&self, at: usize) -> u32 {
        take(&self.postings, &mut { at }).unwrap_or(0)
    }

    fn postings(&self, mut at: usize) -> impl Iterator<Item = Posting> {
        let count = take(&self.postings, &mut at).unwrap_or(0);
        let mut document = 0_u32;
        (0..count).map_while(move |_| {
            document = document.checked_add(take(&self.postings, &mut at)?)?;
            let impact = *self.postings.get(at)?;
            at += 1;
            Some(Posting { document, impact })
        })
    }
}

/// Automata of one error and of two; making these takes milliseconds, of one word microseconds.
static ERRORS: LazyLock<(LevenshteinAutomatonBuilder, LevenshteinAutomatonBuilder)> =
    LazyLock::new(|| (LevenshteinAutomatonBuilder::new(1, true), LevenshteinAutomatonBuilder::new(2, true)));

/// Makes what misspellings are recognised with, which the first of them would wait for.
pub fn warm() {
    LazyLock::force(&ERRORS);
}

struct Misspelt<'dfa>(&'dfa DFA);

impl Automaton for &Misspelt<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A word that one of a query is taken for.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Where its postings are.
    at: usize,
    weight: f32,
}

/// What a word of a query finds in one segment.
#[derive(Default)]
struct Meant {
    words: Vec<Found>,
    stems: Vec<Found>,
}

impl Meant {
    /// Adds a word, as it is and by its stem in each language, if anybody wrote it.
    fn add(&mut self, segment: &Segment, endings: &[Endings], word: &str, weight: f32) {
        self.words.extend(segment.words.exactly(word).map(|at| Found { at, weight }));
        let weight = weight * STEM;
        for at in endings.iter().filter_map(|of| segment.stems.exactly(&of.off(word))) {
            if self.stems.iter().all(|found| found.at != at) {
                self.stems.push(Found { at, weight });
            }
        }
    }

    fn is_nothing(&self) -> bool {
        self.words.is_empty() && self.stems.is_empty()
    }

    /// Documents that hold any of it, at least.
    fn documents(&self, segment: &Segment) -> u32 {
        let words = self.words.iter().map(|found| segment.words.documents_with(found.at));
        words.chain(self.stems.iter().map(|found| segment.stems.documents_with(found.at))).max().unwrap_or(0)
    }
}

/// Of each segment's documents the share of the query's information that they carry, 0 to 1.
///
/// A word counts with its inverse document frequency ln(1 + (N − n + ½) / (n + ½)) over all segments, once for each
/// document: by the best of what it may mean there.
pub(super) fn coverage(segments: &[&Segment], query: &Query, is_typed: bool) -> Vec<Vec<f32>> {
    let mut coverage: Vec<Vec<f32>> = segments.iter().map(|segment| vec![0.0; segment.documents()]).collect();
    let mut best: Vec<Vec<f32>> = coverage.clone();
    let mut touched = Vec::new();
    let endings: Vec<Vec<Endings>> =
        segments.iter().map(|segment| segment.languages.iter().map(|tag| Endings::of(tag)).collect()).collect();
    let all: usize = segments.iter().map(|segment| segment.documents()).sum();
    let mut information = 0.0;
    for word in &query.words {
        let meant = meant(segments, &endings, word, is_typed);
        let with: u32 = segments.iter().zip(&meant).map(|(segment, meant)| meant.documents(segment)).sum();
        let (all, with) = (all as f32, with as f32);
        let of_word = libm::logf(1.0 + (all - with + 0.5) / (with + 0.5));
        information += of_word;
        for (number, (segment, meant)) in segments.iter().zip(&meant).enumerate() {
            let of_words = meant.words.iter().map(|found| (&segment.words, found));
            for (dictionary, found) in of_words.chain(meant.stems.iter().map(|found| (&segment.stems, found))) {
                for Posting { document, impact } in dictionary.postings(found.at) {
                    let Some(best) = best[number].get_mut(document as usize) else { continue };
                    if *best == 0.0 {
                        touched.push(document as usize);
                    }
                    *best = best.max(found.weight * f32::from(impact) / GREATEST);
                }
            }
            for document in touched.drain(..) {
                coverage[number][document] += of_word * std::mem::take(&mut best[number][document]);
            }
        }
    }
    if information > 0.0 {
        coverage.iter_mut().flatten().for_each(|share| *share /= information);
    }
    coverage
}

fn meant(segments: &[&Segment], endings: &[Vec<Endings>], word: &QueryWord, is_typed: bool) -> Vec<Meant> {
    let is_begun = is_typed && word.is_begun;
    let mut meant: Vec<Meant> = segments.iter().map(|_| Meant::default()).collect();
    for ((segment, endings), meant) in segments.iter().zip(endings).zip(&mut meant) {
        meant.add(segment, endings, &word.text, 1.0);
        if is_begun {
            meant.words.extend(segment.words.beginning(&word.text));
        }
    }
    if meant.iter().all(Meant::is_nothing) {
        for ((segment, endings), meant) in segments.iter().zip(endings).zip(&mut meant) {
            for (alike, weight) in segment.words.alike(&word.text, is_begun) {
                meant.add(segment, endings, &alike, weight);
            }
        }
    }
    meant
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(any::<u32>(), 0..8)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| put(&mut bytes, *number));
            let mut at = 0;
            for number in numbers {
                prop_assert_eq!(take(&bytes, &mut at), Some(number));
            }
            prop_assert_eq!(take(&bytes, &mut at), None);
        }
    }
}
