//! The n-grams that tell emotions apart.
//!
//! A head that ships in every binary has no room for a vocabulary, so it keeps only the n-grams that go with some
//! emotion far more or far less often than chance, by the greatest χ² over all emotions (Yang & Pedersen 1997). They
//! are known by the upper half of their hash: with a few thousand kept, a stranger is taken for one of them about once
//! in a million. They weigh what n-grams weigh elsewhere in the product: sub-linear count × inverse document frequency,
//! each family scaled to length one.

use super::{EMOTIONS, EmotionSet, layer::Vector};
use crate::features::{FeatureCount, FeatureCounts};

/// N-grams of one family that are kept.
pub(super) const KEPT: usize = 3_000;
/// Rows that a word must occur in to be kept.
const FEWEST_ROWS_WORD: usize = 5;
/// Rows that a run of characters must occur in to be kept.
const FEWEST_ROWS_CHARACTERS: usize = 20;

/// Known n-grams of one family, ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Family {
    pub hashes: Vec<u32>,
    pub inverse_document_frequency: Vec<f32>,
}

/// The known n-grams: words, then characters.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NgramTable {
    pub words: Family,
    pub characters: Family,
}

impl NgramTable {
    pub fn of(rows: &[(FeatureCounts, EmotionSet)]) -> Self {
        Self {
            words: Family::of(rows, FeatureCounts::words, FEWEST_ROWS_WORD),
            characters: Family::of(rows, FeatureCounts::characters, FEWEST_ROWS_CHARACTERS),
        }
    }

    pub fn len(&self) -> usize {
        self.words.hashes.len() + self.characters.hashes.len()
    }

    pub fn weigh(&self, features: &FeatureCounts) -> Vector {
        let mut vector = Vector::new();
        self.words.weigh(features.words(), 0, &mut vector);
        self.characters.weigh(features.characters(), self.words.hashes.len(), &mut vector);
        vector
    }
}

impl Family {
    fn of(
        rows: &[(FeatureCounts, EmotionSet)],
        family: impl Fn(&FeatureCounts) -> &[FeatureCount],
        fewest_rows: usize,
    ) -> Self {
        let mut with_emotion = [0.0_f64; EMOTIONS];
        for (_, emotions) in rows {
            emotions.iter().for_each(|emotion| with_emotion[emotion as usize] += 1.0);
        }
        let mut occurrences: Vec<(u32, u32)> = (0_u32..)
            .zip(rows)
            .flat_map(|(row, (features, _))| family(features).iter().map(move |feature| (upper(feature.hash), row)))
            .collect();
        occurrences.sort_unstable();
        occurrences.dedup();
        let mut candidates: Vec<(f64, u32, f32)> = occurrences
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|occurrences| occurrences.len() >= fewest_rows)
            .map(|occurrences| {
                let found = occurrences.len() as f64;
                let mut together = [0.0; EMOTIONS];
                for (_, row) in occurrences {
                    rows[*row as usize].1.iter().for_each(|emotion| together[emotion as usize] += 1.0);
                }
                let strongest = together
                    .iter()
                    .zip(&with_emotion)
                    .map(|(together, with)| chi_square(*together, found, with / rows.len() as f64))
                    .fold(0.0, f64::max);
                let rarity = libm::log((1.0 + rows.len() as f64) / (1.0 + found)) + 1.0;
                (strongest, occurrences[0].0, rarity as f32)
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.truncate(KEPT);
        candidates.sort_by_key(|candidate| candidate.1);
        Self {
            hashes: candidates.iter().map(|candidate| candidate.1).collect(),
            inverse_document_frequency: candidates.iter().map(|candidate| candidate.2).collect(),
        }
    }

    /// Appends the known n-grams of a text, as a vector of length one.
    fn weigh(&self, features: &[FeatureCount], first: usize, vector: &mut Vector) {
        let start = vector.len();
        let mut square = 0.0;
        for feature in features {
            let Ok(at) = self.hashes.binary_search(&upper(feature.hash)) else { continue };
            let value = self.inverse_document_frequency[at] * (1.0 + libm::logf(f32::from(feature.count)));
            square += value * value;
            vector.push(((first + at) as u32, value));
        }
        let norm = f32::sqrt(square);
        vector[start..].iter_mut().for_each(|(_, value)| *value /= norm);
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// How far the rows that have both an n-gram and an emotion are from what chance would give.
fn chi_square(together: f64, found: f64, share: f64) -> f64 {
    let expected = found * share;
    if expected <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    (together - expected) * (together - expected) / (expected * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{emotion::Emotion, features::extract};

    fn rows() -> Vec<(FeatureCounts, EmotionSet)> {
        (0..60)
            .map(|at| {
                let (text, emotion) = if at % 2 == 0 {
                    ("thanks my friend", Emotion::Gratitude)
                } else {
                    ("my friend", Emotion::Neutral)
                };
                (extract(text), EmotionSet::from_iter([emotion]))
            })
            .collect()
    }

    #[test]
    fn every_family_of_a_text_has_length_one_or_none() {
        let table = NgramTable::of(&rows());
        let vector = table.weigh(&extract("thanks my friend"));
        let length: f32 = vector.iter().map(|(_, value)| value * value).sum();
        assert!((length - 2.0).abs() < 1e-5);
        assert!(table.weigh(&extract("0 1 2")).is_empty());
    }

    #[test]
    fn an_ngram_found_in_too_few_rows_is_left_out() {
        let few = &rows()[..4];
        assert_eq!(NgramTable::of(few).len(), 0);
    }
}
