//! Which n-grams a model knows.
//!
//! The first pass over the batches counts in how many distinct rows each n-gram occurs; the vocabulary is what
//! occurs often enough. Both passes see a row once, however often it is delivered, and neither depends on order.
//!
//! Bounded: beyond [`MAX_COUNTED_NGRAMS`] distinct n-grams in a family, only those whose hash falls below a
//! limit are counted, and the limit is halved until they fit. A hash is as good as a lot, so this is a uniform
//! sample of the n-grams; and since a tighter limit only ever drops n-grams, the outcome is the same for every
//! order of rows.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
};

use crate::{
    OUT_OF_SCOPE_LABEL,
    batch::FeaturisedRow,
    content::ContentHash,
    features::{FeatureCount, FeatureCounts},
    regions::most_regions,
    training::{MAX_INTENTS, MAX_ROWS, TrainingError},
};

/// Distinct n-grams of one family that are counted exactly.
pub const MAX_COUNTED_NGRAMS: usize = 4_000_000;
/// N-grams in a vocabulary.
pub const MAX_VOCABULARY: usize = 200_000;
/// N-grams times classes: the weights of one head.
pub const MAX_WEIGHTS: usize = 64_000_000;
/// Bytes that the n-grams of an artefact take where there are few classes: more n-grams would add size but hardly
/// accuracy (on Banking77's training rows 8,000 are within the noise of 17,000).
const NGRAM_BYTES: usize = 840_000;
/// Bytes of an n-gram beside its weights: its hash, its inverse document frequency and its scale.
const BYTES_BESIDE_WEIGHTS: usize = 16;
/// N-grams that are kept however many classes there are.
const LEAST_NGRAMS: usize = 8_000;

/// First pass: in how many distinct labelled rows each n-gram occurs.
#[derive(Debug, Default)]
pub struct DocumentFrequencies {
    seen: HashSet<ContentHash>,
    labels: BTreeSet<String>,
    background_rows: usize,
    words: NgramCounts,
    characters: NgramCounts,
}

impl DocumentFrequencies {
    /// Counts rows. Rows without a label and rows seen before change nothing.
    ///
    /// # Errors
    /// [`TrainingError::TooManyRows`] and [`TrainingError::TooManyIntents`] at the bounds of a training set.
    pub fn observe(&mut self, rows: &[FeaturisedRow]) -> Result<(), TrainingError> {
        for row in rows {
            let Some(label) = &row.label else { continue };
            if !self.seen.insert(row.content) {
                continue;
            }
            if self.seen.len() > MAX_ROWS {
                return Err(TrainingError::TooManyRows);
            }
            if !self.labels.contains(label) {
                self.labels.insert(label.clone());
                let background = usize::from(self.labels.contains(OUT_OF_SCOPE_LABEL));
                if self.labels.len() - background > MAX_INTENTS {
                    return Err(TrainingError::TooManyIntents);
                }
            }
            self.background_rows += usize::from(label == OUT_OF_SCOPE_LABEL);
            self.words.count(row.features.words());
            self.characters.count(row.features.characters());
        }
        Ok(())
    }

    /// Distinct labelled rows seen so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.seen.len()
    }

    /// The n-grams of at least `min_df` rows. Where there are more than an artefact should carry, those of the most
    /// rows stay.
    #[must_use]
    pub fn into_vocabulary(self, min_df: u32) -> Vocabulary {
        let background = usize::from(self.background_rows > 0);
        let classes = (self.labels.len() - background + background * most_regions(self.background_rows)).max(1);
        let worthwhile = (NGRAM_BYTES / (classes + BYTES_BESIDE_WEIGHTS)).max(LEAST_NGRAMS);
        self.into_vocabulary_of(min_df, worthwhile.min(MAX_VOCABULARY).min(MAX_WEIGHTS / classes))
    }

    fn into_vocabulary_of(self, min_df: u32, limit: usize) -> Vocabulary {
        let words = self.words.rows_by_ngram.into_iter().map(|(hash, rows)| (rows, Family::Words, hash));
        let characters = self.characters.rows_by_ngram.into_iter().map(|(hash, rows)| (rows, Family::Characters, hash));
        let mut ngrams: Vec<_> = words.chain(characters).filter(|(rows, ..)| *rows >= min_df).collect();
        ngrams.sort_unstable_by_key(|&(rows, family, hash)| (Reverse(rows), family, hash));
        ngrams.truncate(limit);
        let ascending = |wanted: Family| {
            let mut hashes: Vec<u64> =
                ngrams.iter().filter(|(_, family, _)| *family == wanted).map(|(.., hash)| *hash).collect();
            hashes.sort_unstable();
            hashes
        };
        Vocabulary { words: ascending(Family::Words), characters: ascending(Family::Characters) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Words,
    Characters,
}

/// Rows by n-gram, for n-grams whose hash is at most `highest`.
#[derive(Debug)]
struct NgramCounts {
    rows_by_ngram: HashMap<u64, u32>,
    highest: u64,
    capacity: usize,
}

impl Default for NgramCounts {
    fn default() -> Self {
        Self { rows_by_ngram: HashMap::new(), highest: u64::MAX, capacity: MAX_COUNTED_NGRAMS }
    }
}

impl NgramCounts {
    fn count(&mut self, features: &[FeatureCount]) {
        for feature in features {
            if feature.hash > self.highest {
                return;
            }
            *self.rows_by_ngram.entry(feature.hash).or_insert(0) += 1;
            while self.rows_by_ngram.len() > self.capacity {
                self.highest /= 2;
                self.rows_by_ngram.retain(|hash, _| *hash <= self.highest);
            }
        }
    }
}

/// The n-grams a model knows, each at a position: words first, then characters, both by ascending hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<u64>,
    characters: Vec<u64>,
}

impl Vocabulary {
    /// A vocabulary read back from an artefact; `None` unless both families strictly ascend.
    pub(crate) fn from_hashes(words: Vec<u64>, characters: Vec<u64>) -> Option<Self> {
        let ascending = |hashes: &[u64]| hashes.is_sorted_by(|a, b| a < b);
        (ascending(&words) && ascending(&characters)).then_some(Self { words, characters })
    }

    pub(crate) fn word_hashes(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn character_hashes(&self) -> &[u64] {
        &self.characters
    }

    /// N-grams known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len() + self.characters.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions from which on an n-gram is one of characters.
    pub(crate) fn first_character(&self) -> u32 {
        position(self.words.len())
    }

    /// Calls `found` with the position and count of every known n-gram, by ascending position.
    pub(crate) fn locate(&self, features: &FeatureCounts, mut found: impl FnMut(u32, u16)) {
        locate_family(&self.words, 0, features.words(), &mut found);
        locate_family(&self.characters, self.words.len(), features.characters(), &mut found);
    }
}

/// Both lists ascend, so each search starts where the one before ended.
fn locate_family(hashes: &[u64], offset: usize, features: &[FeatureCount], found: &mut impl FnMut(u32, u16)) {
    let mut start = 0;
    for feature in features {
        start += hashes[start..].partition_point(|hash| *hash < feature.hash);
        match hashes.get(start) {
            None => return,
            Some(hash) if *hash == feature.hash => found(position(offset + start), feature.count),
            Some(_) => {}
        }
    }
}

/// A vocabulary is far smaller than 2³², see [`MAX_VOCABULARY`].
fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> FeaturisedRow {
        FeaturisedRow::from_text(text, Some("card"), None).unwrap()
    }

    #[test]
    fn an_ngram_of_too_few_rows_is_not_learnt() {
        let mut frequencies = DocumentFrequencies::default();
        frequencies.observe(&[row("card lost"), row("card stolen")]).unwrap();
        let vocabulary = frequencies.into_vocabulary(2);
        let mut known = 0;
        vocabulary.locate(&row("lost").features, |position, _| {
            known += usize::from(position < vocabulary.first_character());
        });
        assert_eq!(vocabulary.word_hashes().len(), 1, "only the word both rows have");
        assert_eq!(known, 0);
    }

    #[test]
    fn a_row_delivered_twice_counts_once() {
        let mut frequencies = DocumentFrequencies::default();
        frequencies.observe(&[row("card lost"), row("Card  lost")]).unwrap();
        frequencies.observe(&[row("card lost")]).unwrap();
        assert_eq!(frequencies.rows(), 1);
        assert!(frequencies.into_vocabulary(2).is_empty());
    }

    #[test]
    fn a_row_without_a_label_teaches_no_words() {
        let mut frequencies = DocumentFrequencies::default();
        frequencies.observe(&[FeaturisedRow::from_text("card", None, None).unwrap()]).unwrap();
        assert!(frequencies.into_vocabulary(1).is_empty());
    }

    #[test]
    fn where_not_all_ngrams_fit_the_commonest_stay() {
        let mut frequencies = DocumentFrequencies::default();
        frequencies.observe(&[row("a b"), row("a c"), row("a d")]).unwrap();
        let vocabulary = frequencies.into_vocabulary_of(1, 4);
        assert_eq!(vocabulary.len(), 4);
        let mut counts = Vec::new();
        vocabulary.locate(&row("a").features, |_, count| counts.push(count));
        assert_eq!(counts.len(), 4, "the word and its three character n-grams are in every row");
    }

    #[test]
    fn more_intents_than_a_head_may_have_are_refused_at_once() {
        let mut frequencies = DocumentFrequencies::default();
        let labelled = |label: usize| FeaturisedRow::from_text("hi", Some(&label.to_string()), None).unwrap();
        let rows: Vec<_> = (0..MAX_INTENTS).map(labelled).collect();
        frequencies.observe(&rows).unwrap();
        let background = FeaturisedRow::from_text("hi", Some(OUT_OF_SCOPE_LABEL), None).unwrap();
        frequencies.observe(&[background]).unwrap();
        assert_eq!(frequencies.observe(&[labelled(MAX_INTENTS)]), Err(TrainingError::TooManyIntents));
    }

    proptest! {
        #[test]
        fn a_full_table_keeps_the_same_ngrams_with_the_same_counts_in_every_order(
            rows in prop::collection::vec(prop::collection::btree_set(any::<u64>(), 0..20), 1..20)
        ) {
            let counted = |rows: &mut dyn Iterator<Item = &BTreeSet<u64>>| {
                let mut counts = NgramCounts { capacity: 16, ..NgramCounts::default() };
                for row in rows {
                    let features: Vec<_> =
                        row.iter().map(|&hash| FeatureCount { hash, count: 1 }).collect();
                    counts.count(&features);
                }
                let mut kept: Vec<_> = counts.rows_by_ngram.into_iter().collect();
                kept.sort_unstable();
                kept
            };
            let forwards = counted(&mut rows.iter());
            prop_assert!(forwards.len() <= 16);
            prop_assert_eq!(forwards, counted(&mut rows.iter().rev()));
        }
    }
}
