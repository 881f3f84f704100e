//! How near texts are to each other: by their embeddings, or else by their words.

use std::collections::BTreeMap;

use crate::naming::STOP_WORDS;
use crate::tokens::{key_of, normal, tokens};

/// Texts as vectors of length 1, or of none.
pub(super) enum Nearness {
    Embedded(Vec<Vec<f32>>),
    /// Of each text its words, by their keys.
    Worded(Vec<BTreeMap<u64, f64>>),
}

impl Nearness {
    /// Of texts with their embeddings. Those that are not one for each text, or not of one length, are not used.
    pub fn of(texts: &[String], embeddings: Option<&[Vec<f32>]>) -> Self {
        match embeddings {
            Some(given) if given.len() == texts.len() && given.windows(2).all(|two| two[0].len() == two[1].len()) => {
                Self::Embedded(given.iter().map(|embedding| unit(embedding)).collect())
            }
            _ => Self::Worded(worded(texts)),
        }
    }

    /// The cosine between two texts, -1 to 1.
    pub fn between(&self, one: usize, other: usize) -> f64 {
        match self {
            Self::Embedded(vectors) => {
                vectors[one].iter().zip(&vectors[other]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            }
            Self::Worded(vectors) => {
                let shared = |(key, a): (&u64, &f64)| vectors[other].get(key).map(|b| a * b);
                vectors[one].iter().filter_map(shared).sum()
            }
        }
    }
}

fn unit(embedding: &[f32]) -> Vec<f32> {
    let finite = |value: &f32| if value.is_finite() { *value } else { 0.0 };
    let length = embedding.iter().map(finite).map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let part = |value: &f32| if length > 0.0 { (f64::from(finite(value)) / length) as f32 } else { 0.0 };
    embedding.iter().map(part).collect()
}

/// Each word by how often it is in the text and how few texts have it (tf-idf, Salton & Buckley 1988).
fn worded(texts: &[String]) -> Vec<BTreeMap<u64, f64>> {
    let counted = |text: &String| {
        let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
        for word in tokens(text).iter().filter(|token| token.is_word()).map(|token| normal(token.of(text))) {
            if !STOP_WORDS.contains(&word.as_str()) {
                *counts.entry(key_of(stem(&word))).or_default() += 1.0;
            }
        }
        counts
    };
    let mut vectors: Vec<BTreeMap<u64, f64>> = texts.iter().map(counted).collect();
    let mut having: BTreeMap<u64, f64> = BTreeMap::new();
    vectors.iter().flat_map(BTreeMap::keys).for_each(|key| *having.entry(*key).or_default() += 1.0);
    for vector in &mut vectors {
        let rarity = |key: &u64| ((1.0 + texts.len() as f64) / (1.0 + having[key])).ln() + 1.0;
        vector.iter_mut().for_each(|(key, count)| *count = (1.0 + count.ln()) * rarity(key));
        let length = vector.values().map(|value| value.powi(2)).sum::<f64>().sqrt();
        vector.values_mut().for_each(|value| *value /= length.max(f64::MIN_POSITIVE));
    }
    vectors
}

/// Characters of a word that tell it, whatever its ending.
const STEM_CHARS: usize = 6;

/// The beginning of a word, which its forms have in common in the languages of the cues.
pub(super) fn stem(word: &str) -> &str {
    word.char_indices().nth(STEM_CHARS).map_or(word, |(at, _)| &word[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_same_words_are_near_and_bad_embeddings_are_not_used() {
        let texts = ["refunded today", "your refund was sent", "a parcel"].map(str::to_owned);
        let words = Nearness::of(&texts, None);
        assert!(words.between(0, 1) > 0.1 && words.between(0, 2) == 0.0);
        assert!((words.between(1, 1) - 1.0).abs() < 1e-9);
        let embedded = Nearness::of(&texts, Some(&[vec![2.0, 0.0], vec![0.0, f32::NAN], vec![1.0, 1.0]]));
        assert_eq!(embedded.between(0, 1), 0.0);
        assert!((embedded.between(0, 2) - 0.5_f64.sqrt()).abs() < 1e-6);
        let too_few = Nearness::of(&texts, Some(&[vec![1.0]]));
        assert!(too_few.between(0, 1) > 0.1);
    }
}
