//! Embeddings made of words alone, for texts that no encoder knows.
//!
//! A [`Lexicon`] is learnt from a tenant's own texts in whatever language they are: counted n-grams of words and characters
//! weighted by tf-idf, reduced to [`DIMENSIONS`](crate::embedding::DIMENSIONS) by a truncated singular value decomposition
//! (latent semantic analysis; Deerwester et al. 1990). Texts that share no word but each share words with the same others
//! come near each other. What results is an [`Embedding`] like an encoder's, for the same neighbours and clusters.
//!
//! Placeholders of redaction, `{{…}}`, are left out. The same texts in any order give the same lexicon, and time and memory
//! are bounded: it is learnt from at most [`MAX_TEXTS`] texts, and knows at most [`MAX_NGRAMS`] n-grams.

use std::collections::HashMap;

use crate::{
    content::ContentHash,
    embedding::Embedding,
    features::{FeatureCount, FeatureCounts, extract},
    parallel,
    subspace::{SparseRow, Subspace},
};

/// Texts a lexicon is learnt from, at most: those with the least content hashes, which are a fair sample.
pub const MAX_TEXTS: usize = 5_000;
/// N-grams of a lexicon, at most, half of words and half of characters: those of the most texts.
pub const MAX_NGRAMS: usize = 24_000;
/// Texts an n-gram must occur in.
const MIN_TEXTS: u32 = 2;
/// Families of n-grams, each of which has the same weight.
const FAMILIES: f32 = 2.0;

/// The n-grams of a collection of texts and the directions in which they vary together.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    words: Family,
    characters: Family,
    subspace: Subspace,
}

/// A text as a lexicon sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The direction of what is known of it.
    pub embedding: Embedding,
    /// Share of the text's weight that is known, 0 to 1. A text about something else may share a syllable with known ones
    /// and then point their way; its coverage is small.
    pub coverage: f32,
}

impl Reading {
    /// The cosine over all n-grams of two texts, known or not.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        self.embedding.cosine(&other.embedding) * self.coverage * other.coverage
    }
}

/// Known n-grams of one family, by ascending hash.
#[derive(Debug, Clone, PartialEq)]
struct Family {
    hashes: Vec<u64>,
    /// Inverse document frequencies.
    rarities: Vec<f32>,
    rarity_of_unknown: f32,
    /// Column of the first.
    offset: u32,
}

impl Lexicon {
    /// Learns from texts. A text that is given more than once counts once.
    #[must_use]
    pub fn of(texts: &[&str]) -> Self {
        let spoken: Vec<String> = parallel::map(texts, |text| without_placeholders(text));
        let mut ascending: Vec<(ContentHash, &String)> =
            spoken.iter().map(|text| (ContentHash::of(text, None), text)).collect();
        ascending.sort_unstable_by_key(|(content, _)| *content);
        ascending.dedup_by_key(|(content, _)| *content);
        ascending.truncate(MAX_TEXTS);
        let counts: Vec<FeatureCounts> = parallel::map(&ascending, |(_, text)| extract(text));
        let words = Family::of(counts.iter().map(FeatureCounts::words), counts.len(), 0);
        let offset = words.hashes.len() as u32;
        let characters = Family::of(counts.iter().map(FeatureCounts::characters), counts.len(), offset);
        let columns = words.hashes.len() + characters.hashes.len();
        let mut lexicon = Self { words, characters, subspace: Subspace::of(&[], columns) };
        let rows: Vec<SparseRow> = counts.iter().map(|counts| lexicon.row(counts)).collect();
        lexicon.subspace = Subspace::of(&rows, columns);
        lexicon
    }

    /// The embedding of a text; zero where none of its n-grams is known.
    #[must_use]
    pub fn embed(&self, text: &str) -> Embedding {
        self.read(text).embedding
    }

    /// The embeddings of texts, in their order.
    #[must_use]
    pub fn embed_all(&self, texts: &[&str]) -> Vec<Embedding> {
        parallel::map(texts, |text| self.embed(text))
    }

    /// The embedding of a text and how much of the text is in it.
    #[must_use]
    pub fn read(&self, text: &str) -> Reading {
        let vector = self.subspace.project(&self.row(&extract(&without_placeholders(text))));
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        Reading { embedding: Embedding::of(&vector), coverage: (length / FAMILIES.sqrt()).min(1.0) }
    }

    fn row(&self, counts: &FeatureCounts) -> SparseRow {
        let mut row = self.words.weighted(counts.words());
        row.extend(self.characters.weighted(counts.characters()));
        row
    }
}

impl Family {
    fn of<'counts>(texts: impl Iterator<Item = &'counts [FeatureCount]>, count: usize, offset: u32) -> Self {
        let mut frequencies: HashMap<u64, u32> = HashMap::new();
        for feature in texts.flatten() {
            *frequencies.entry(feature.hash).or_default() += 1;
        }
        let mut known: Vec<(u64, u32)> = frequencies.into_iter().filter(|(_, texts)| *texts >= MIN_TEXTS).collect();
        known.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        known.truncate(MAX_NGRAMS / 2);
        known.sort_unstable();
        // What every text has tells none apart and weighs nothing.
        let rarity = |texts: u32| libm::logf((1.0 + count as f32) / (1.0 + texts as f32));
        Self {
            hashes: known.iter().map(|(hash, _)| *hash).collect(),
            rarities: known.iter().map(|(_, texts)| rarity(*texts)).collect(),
            rarity_of_unknown: rarity(0),
            offset,
        }
    }

    /// The family's share in a row: of length one if all n-grams are known. Both lists ascend, so each search starts where
    /// the one before ended.
    fn weighted(&self, features: &[FeatureCount]) -> SparseRow {
        let mut row = SparseRow::new();
        let mut square = 0.0;
        let mut start = 0;
        for feature in features {
            start += self.hashes[start..].partition_point(|hash| *hash < feature.hash);
            let frequency = 1.0 + libm::logf(f32::from(feature.count));
            let known = self.hashes.get(start) == Some(&feature.hash);
            let weight = frequency * if known { self.rarities[start] } else { self.rarity_of_unknown };
            square += weight * weight;
            if known {
                row.push((self.offset + start as u32, weight));
            }
        }
        if square > 0.0 {
            let length = square.sqrt();
            row.iter_mut().for_each(|(_, weight)| *weight /= length);
        }
        row
    }
}

/// The text with a space for each placeholder.
pub(crate) fn without_placeholders(text: &str) -> String {
    let mut spoken = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else { break };
        spoken.push_str(before);
        spoken.push(' ');
        rest = after;
    }
    spoken.push_str(rest);
    spoken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 8] = [
        "wo ist mein paket geblieben",
        "mein paket ist nicht angekommen",
        "das paket kam nie an",
        "wann kommt mein paket",
        "ich habe das passwort vergessen",
        "mein passwort geht nicht mehr",
        "passwort zurücksetzen bitte",
        "wie setze ich das passwort zurück",
    ];

    #[test]
    fn texts_about_one_thing_are_nearer_than_texts_about_another() {
        let lexicon = Lexicon::of(&TEXTS);
        let points = lexicon.embed_all(&TEXTS);
        let same = points[1].cosine(&points[2]);
        let other = points[1].cosine(&points[6]);
        assert!(same > other + 0.1, "{same} {other}");
    }

    #[test]
    fn a_new_text_is_near_those_with_its_words() {
        let lexicon = Lexicon::of(&TEXTS);
        let new = lexicon.embed("Paket fehlt");
        let near: f32 = TEXTS[..4].iter().map(|text| new.cosine(&lexicon.embed(text))).sum();
        let far: f32 = TEXTS[4..].iter().map(|text| new.cosine(&lexicon.embed(text))).sum();
        assert!(near > far + 0.5, "{near} {far}");
    }

    #[test]
    fn a_text_without_a_known_word_says_nothing() {
        let lexicon = Lexicon::of(&TEXTS);
        assert!(lexicon.embed("").is_zero());
        assert!(lexicon.embed("12345 67").is_zero());
        assert!(Lexicon::of(&[]).embed("paket").is_zero());
    }

    #[test]
    fn placeholders_say_nothing() {
        let lexicon = Lexicon::of(&TEXTS);
        assert_eq!(lexicon.embed("wo ist {{customer.paket}} mein paket"), lexicon.embed("wo ist mein paket"));
        assert_eq!(without_placeholders("a {{b}} c {{d"), "a   c {{d");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn the_order_and_number_of_texts_make_no_difference(
            shuffled in Just(TEXTS.iter().chain(&TEXTS[..3]).copied().collect::<Vec<_>>()).prop_shuffle()
        ) {
            prop_assert_eq!(Lexicon::of(&shuffled), Lexicon::of(&TEXTS));
        }
    }
}
