//! Embeddings that earlier sessions paid for.
//!
//! A retrained model mostly sees the rows of the one before. The fit leaves a list of texts, by hash, and of the batch of
//! features in which each one's embedding lies; workers look their rows up in it and have the encoder read only the
//! rest. The list is a shortcut and nothing more: where it, or a batch it names, is gone or was made by another encoder,
//! rows are encoded anew, with the same result to the bit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use romashka_domain::TrainingSessionId;
use romashka_learning::training::Origin;
use romashka_learning::{ContentHash, FeaturisedRow, Meaning, batch};
use romashka_store::objects::Object;
use romashka_store::{Error, TenantStore};
use serde::{Deserialize, Serialize};

/// Texts that are listed; beyond them older ones are forgotten.
const MAX_TEXTS: usize = 500_000;
/// Batches that one worker reads to spare itself encoding.
const MAX_BATCHES: usize = 8;
/// Below this many known texts a batch is not worth the reading.
const WORTH_READING: usize = 8;

/// Where embeddings lie.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    batches: Vec<(TrainingSessionId, u32)>,
    #[serde(skip)]
    batch_of: BTreeMap<[u8; ContentHash::LENGTH], u32>,
}

impl Known {
    /// The list that an encoder's embeddings have; empty where there is none.
    pub async fn load(store: &TenantStore, encoder: &str) -> Result<Self, Error> {
        let bytes = store.objects().get(&Object::Embeddings(encoder.to_owned())).await?;
        Ok(bytes.and_then(|bytes| Self::from_bytes(&bytes)).unwrap_or_default())
    }

    /// Adds a session's rows. Newer batches go before older ones: those may have expired.
    pub fn learn(&mut self, session: TrainingSessionId, origins: impl Iterator<Item = Origin>) {
        let mut numbers = HashMap::new();
        for origin in origins {
            let number = *numbers.entry(origin.batch).or_insert_with(|| {
                self.batches.push((session, origin.batch));
                (self.batches.len() - 1) as u32
            });
            self.batch_of.insert(*origin.text.as_bytes(), number);
        }
        self.forget_the_oldest();
    }

    fn forget_the_oldest(&mut self) {
        let mut held = vec![0_usize; self.batches.len()];
        self.batch_of.values().for_each(|batch| held[*batch as usize] += 1);
        let mut surplus = self.batch_of.len().saturating_sub(MAX_TEXTS);
        let mut renumbered = vec![None; self.batches.len()];
        let mut kept = Vec::new();
        for (number, texts) in held.into_iter().enumerate() {
            if texts == 0 || surplus > 0 {
                surplus = surplus.saturating_sub(texts);
                continue;
            }
            renumbered[number] = Some(kept.len() as u32);
            kept.push(self.batches[number]);
        }
        self.batches = kept;
        let old = std::mem::take(&mut self.batch_of);
        self.batch_of =
            old.into_iter().filter_map(|(text, number)| Some((text, renumbered[number as usize]?))).collect();
    }

    /// Keeps the list for an encoder.
    pub async fn keep(&self, store: &TenantStore, encoder: &str) -> Result<(), Error> {
        store.objects().put(&Object::Embeddings(encoder.to_owned()), self.to_bytes()).await
    }

    /// Gives rows the meanings that this encoder gave their texts before.
    pub async fn recall(&self, store: &TenantStore, encoder: &str, rows: &mut [FeaturisedRow]) -> Result<(), Error> {
        let mut wanted: BTreeMap<u32, usize> = BTreeMap::new();
        for row in rows.iter() {
            if let Some(batch) = self.batch_of.get(row.text.as_bytes()) {
                *wanted.entry(*batch).or_default() += 1;
            }
        }
        let mut worthwhile: Vec<_> = wanted.into_iter().filter(|(_, texts)| *texts >= WORTH_READING).collect();
        worthwhile.sort_by_key(|(batch, texts)| (std::cmp::Reverse(*texts), *batch));
        worthwhile.truncate(MAX_BATCHES);
        let mut meanings: HashMap<ContentHash, Meaning> = HashMap::new();
        let texts: BTreeSet<ContentHash> = rows.iter().map(|row| row.text).collect();
        for (number, _) in worthwhile {
            let (session, batch) = self.batches[number as usize];
            let Some(bytes) = store.objects().get(&Object::Features(session, batch)).await? else { continue };
            let Ok(batch) = batch::decode(&bytes) else { continue };
            if batch.encoder.as_deref() != Some(encoder) {
                continue;
            }
            let known = batch.rows.into_iter().filter(|row| texts.contains(&row.text));
            meanings.extend(known.filter_map(|row| Some((row.text, row.meaning?))));
        }
        for row in rows {
            row.meaning = meanings.get(&row.text).cloned();
        }
        Ok(())
    }

    /// The batches as a line of JSON, then each text's hash and the number of its batch, ascending.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        for (text, batch) in &self.batch_of {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(&batch.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut known: Self = serde_json::from_slice(&bytes[..end]).ok()?;
        let (entries, rest) = bytes[end + 1..].as_chunks::<{ ContentHash::LENGTH + 4 }>();
        if !rest.is_empty() {
            return None;
        }
        for entry in entries {
            let (text, batch) = entry.split_first_chunk()?;
            let batch = u32::from_le_bytes(*batch.first_chunk()?);
            if batch as usize >= known.batches.len() {
                return None;
            }
            known.batch_of.insert(*text, batch);
        }
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u8) -> TrainingSessionId {
        format!("00000000-0000-7000-8000-0000000000{number:02}").parse().unwrap()
    }

    fn origin(text: &str, batch: u32) -> Origin {
        let text = ContentHash::of(text, None);
        Origin { content: text, text, batch, position: 0 }
    }

    #[test]
    fn a_list_comes_back_as_it_was_written() {
        let mut known = Known::default();
        known.learn(session(1), [origin("a", 0), origin("b", 3)].into_iter());
        known.learn(session(2), [origin("c", 1)].into_iter());
        assert_eq!(Known::from_bytes(&known.to_bytes()), Some(known));
    }

    #[test]
    fn the_newest_session_that_saw_a_text_is_asked_and_emptied_batches_are_forgotten() {
        let mut known = Known::default();
        known.learn(session(1), [origin("a", 0), origin("b", 0)].into_iter());
        known.learn(session(2), [origin("a", 5), origin("b", 5)].into_iter());
        assert_eq!(known.batches, [(session(2), 5)]);
    }

    #[test]
    fn a_damaged_list_is_no_list() {
        let mut known = Known::default();
        known.learn(session(1), [origin("a", 0)].into_iter());
        let bytes = known.to_bytes();
        assert_eq!(Known::from_bytes(&bytes[..bytes.len() - 1]), None);
        let mut astray = bytes.clone();
        let last = astray.len() - 1;
        astray[last] = 9;
        assert_eq!(Known::from_bytes(&astray), None);
        assert_eq!(Known::from_bytes(b"nothing of the kind"), None);
    }
}
