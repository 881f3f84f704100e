//! Documents, ready to be searched.
//!
//! What a word says of a document is its impact, after BM25F (Robertson, Zaragoza and Taylor 2004, "Simple BM25 Extension to
//! Multiple Weighted Fields"): with `count` the times it stands in a field, `length` the field's words and `mean` those of
//! all documents,
//!
//! ```text
//! frequency = Σ over fields of  weight · count / (1 − b + b · length / mean)
//! impact    = frequency / (k₁ + frequency)
//! ```

use std::collections::BTreeMap;

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::dictionary::{Dictionary, Posting};
use super::words::{Endings, folded, words};
use crate::embedding::Embedding;
use crate::neighbours::Widened;
use crate::pool::Pool;

/// Documents of one segment.
pub const MAX_DOCUMENTS: usize = 100_000;
/// Characters of a body that are indexed.
pub const MAX_BODY_CHARACTERS: usize = 8_000;
/// Messages for which a document was chosen that are kept with it.
pub const MAX_PICKS: usize = 64;

/// Embeddings of a document's own texts: its name and its body.
pub(super) const MAX_MEANINGS: usize = 2;
/// How quickly repetitions of a word stop to count: k₁.
const SATURATION: f32 = 1.2;
/// How much a long field is discounted: b.
const LENGTH_DISCOUNT: f32 = 0.5;
/// What a word in the name, in a label and in the body is worth.
const WEIGHTS: [f32; FIELDS] = [3.0, 2.0, 1.0];
const FIELDS: usize = 3;

/// Something to be found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// What it is called.
    pub name: String,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// What it says; [`MAX_BODY_CHARACTERS`] of it are indexed.
    pub body: String,
    /// The language of its words, as a language tag.
    pub language: String,
    /// What its name and its body mean; empty where there is no encoder.
    pub meanings: Vec<Embedding>,
    /// Messages for which it was chosen, at most [`MAX_PICKS`].
    pub picks: Vec<Embedding>,
}

/// The mean number of words of each field, by which lengths are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Averages(pub(super) [f32; FIELDS]);

/// Immutable; safe to share between requests.
pub struct Segment {
    pub(super) averages: Averages,
    /// Language tags of its documents.
    pub(super) languages: Vec<String>,
    pub(super) words: Dictionary,
    pub(super) stems: Dictionary,
    /// Of each document where its meanings and then its picks end in `texts`.
    pub(super) ends: Vec<[u32; 2]>,
    pub(super) texts: Vec<Embedding>,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Segment({} documents)", self.documents())
    }
}

/// How often a word stands in each field of a document.
type Counts = [u16; FIELDS];

impl Segment {
    /// Indexes documents, at most [`MAX_DOCUMENTS`]; those beyond are left out. A segment that is searched beside a
    /// larger one takes its averages from it.
    #[must_use]
    pub fn of(documents: &[Document], averages: Option<Averages>) -> Self {
        let documents = &documents[..documents.len().min(MAX_DOCUMENTS)];
        let mut languages: Vec<String> = documents.iter().map(|document| document.language.clone()).collect();
        languages.sort_unstable();
        languages.dedup();
        let endings: Vec<Endings> = languages.iter().map(|tag| Endings::of(tag)).collect();
        let mut lengths: Vec<[u32; FIELDS]> = Vec::with_capacity(documents.len());
        // Of each word and each stem the documents that hold it, in their order.
        let mut by_word: BTreeMap<String, Vec<(u32, Counts)>> = BTreeMap::new();
        let mut by_stem: BTreeMap<String, Vec<(u32, Counts)>> = BTreeMap::new();
        for (number, document) in documents.iter().enumerate() {
            let endings = &endings[languages.partition_point(|tag| *tag < document.language)];
            let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
            let mut length = [0; FIELDS];
            for (field, text) in fields(document) {
                for (_, word) in words(text) {
                    length[field] += 1;
                    let count = &mut counts.entry(folded(word)).or_default()[field];
                    *count = count.saturating_add(1);
                }
            }
            let mut stems: BTreeMap<String, Counts> = BTreeMap::new();
            for (word, of_word) in counts {
                let of_stem = stems.entry(endings.off(&word)).or_default();
                of_stem.iter_mut().zip(of_word).for_each(|(sum, count)| *sum = sum.saturating_add(count));
                by_word.entry(word).or_default().push((number as u32, of_word));
            }
            for (stem, of_stem) in stems {
                by_stem.entry(stem).or_default().push((number as u32, of_stem));
            }
            lengths.push(length);
        }
        let averages = averages.unwrap_or_else(|| Averages::of(&lengths));
        let dictionary = |by: BTreeMap<String, Vec<(u32, Counts)>>| {
            Dictionary::of(by.into_iter().map(|(word, documents)| {
                let posting = |(document, counts): &(u32, Counts)| Posting {
                    document: *document,
                    impact: impact(*counts, lengths[*document as usize], averages),
                };
                (word, documents.iter().map(posting).collect())
            }))
        };
        let (words, stems) = (dictionary(by_word), dictionary(by_stem));
        let mut texts = Vec::new();
        let mut ends = Vec::with_capacity(documents.len());
        for document in documents {
            texts.extend(document.meanings.iter().take(MAX_MEANINGS).cloned());
            let meanings = texts.len() as u32;
            texts.extend(document.picks.iter().take(MAX_PICKS).cloned());
            ends.push([meanings, texts.len() as u32]);
        }
        Self { averages, languages, words, stems, ends, texts }
    }

    /// How many documents there are.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.ends.len()
    }

    /// What lengths are judged by here.
    #[must_use]
    pub fn averages(&self) -> Averages {
        self.averages
    }

    /// What a document's name and body mean, in this order; empty where nothing was embedded.
    #[must_use]
    pub fn meanings(&self, position: usize) -> &[Embedding] {
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before][1]);
        self.ends.get(position).map_or(&[], |[meanings, _]| &self.texts[start as usize..*meanings as usize])
    }

    /// The messages for which a document was chosen.
    #[must_use]
    pub fn picks(&self, position: usize) -> &[Embedding] {
        self.ends.get(position).map_or(&[], |[meanings, picks]| &self.texts[*meanings as usize..*picks as usize])
    }

    /// Of each document how near its texts are to a meaning; its picks only where they are asked for.
    pub(super) fn cosines(&self, meaning: &Embedding, with_picks: bool) -> Vec<Cosines> {
        let mut cosines = Vec::with_capacity(self.ends.len());
        pool_all(&Widened::of(meaning), &self.texts, &self.ends, with_picks, &mut cosines);
        cosines
    }
}

/// How near a document's texts are to a meaning.
pub(super) struct Cosines {
    /// Its name and its body.
    pub(super) own: Pool,
    /// These and its picks.
    pub(super) all: Pool,
}

/// A function of its own, so that it is compiled for what processors have.
#[multiversion(targets("x86_64+avx2"))]
fn pool_all(meaning: &Widened, texts: &[Embedding], ends: &[[u32; 2]], with_picks: bool, out: &mut Vec<Cosines>) {
    let mut start = 0;
    for [meanings, picks] in ends {
        let mut own = Pool::EMPTY;
        for text in &texts[start..*meanings as usize] {
            own.take(meaning.cosine_with(text));
        }
        let mut all = own;
        if with_picks {
            for text in &texts[*meanings as usize..*picks as usize] {
                all.take(meaning.cosine_with(text));
            }
        }
        out.push(Cosines { own, all });
        start = *picks as usize;
    }
}

impl Averages {
    fn of(lengths: &[[u32; FIELDS]]) -> Self {
        let mean = |field: usize| {
            let sum: u64 = lengths.iter().map(|length| u64::from(length[field])).sum();
            (sum as f32 / lengths.len().max(1) as f32).max(1.0)
        };
        Self(std::array::from_fn(mean))
    }
}

/// The texts of a document by field.
fn fields(document: &Document) -> impl Iterator<Item = (usize, &str)> {
    let end = document.body.char_indices().nth(MAX_BODY_CHARACTERS).map_or(document.body.len(), |(at, _)| at);
    let labels = document.labels.iter().map(|label| (1, label.as_str()));
    std::iter::once((0, document.name.as_str())).chain(labels).chain(std::iter::once((2, &document.body[..end])))
}

fn impact(counts: Counts, length: [u32; FIELDS], averages: Averages) -> u8 {
    let of_field = |field: usize| {
        let discount = 1.0 - LENGTH_DISCOUNT + LENGTH_DISCOUNT * length[field] as f32 / averages.0[field];
        WEIGHTS[field] * f32::from(counts[field]) / discount
    };
    let frequency: f32 = (0..FIELDS).map(of_field).sum();
    // At least one step: a word that is there says something.
    (255.0 * frequency / (SATURATION + frequency)).round().max(1.0) as u8
}
