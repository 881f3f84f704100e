//! A segment as bytes.
//!
//! | part | content |
//! |---|---|
//! | mark | 8 bytes, `RMSHSRC1` |
//! | digest | XXH3 of all that follows, u64 |
//! | manifest | JSON: [`Manifest`] |
//! | words, postings | finite state transducer; see [`Dictionary`] |
//! | stems, postings | likewise |
//! | ends | two u32 per document |
//! | texts | 384 × i8 each |
//!
//! Each part from the manifest on is preceded by its length as a u64; all numbers are little-endian. The digest guards
//! against accidents; whoever may write a tenant's segment may write its documents too.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::dictionary::Dictionary;
use super::segment::{Averages, MAX_DOCUMENTS, Segment};
use crate::embedding::{DIMENSIONS, Embedding};

const MARK: &[u8; 8] = b"RMSHSRC1";
const DIGEST_BYTES: usize = 8;

/// Why bytes are no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {part} of the search index is not what it should be; build it anew")]
pub struct SegmentError {
    /// Which part.
    pub part: &'static str,
}

/// What a segment says about itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    averages: Averages,
    languages: Vec<String>,
}

impl Segment {
    /// The artefact. The same documents always give the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [MARK.as_slice(), &[0; DIGEST_BYTES]].concat();
        let mut part = |content: &[u8]| {
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        };
        let manifest = Manifest { averages: self.averages, languages: self.languages.clone() };
        part(serde_json::json!(manifest).to_string().as_bytes());
        self.words.parts().into_iter().chain(self.stems.parts()).for_each(&mut part);
        part(&self.ends.iter().flatten().flat_map(|end| end.to_le_bytes()).collect::<Vec<_>>());
        let values = self.texts.iter().flat_map(|text| text.values());
        part(&values.map(|value| value.cast_unsigned()).collect::<Vec<_>>());
        let digest = xxh3_64(&bytes[MARK.len() + DIGEST_BYTES..]);
        bytes[MARK.len()..][..DIGEST_BYTES].copy_from_slice(&digest.to_le_bytes());
        bytes
    }

    /// Loads an artefact.
    ///
    /// # Errors
    /// When the bytes are not a whole and unchanged artefact.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SegmentError> {
        let refuse = |part| SegmentError { part };
        let rest = bytes.strip_prefix(MARK).ok_or(refuse("mark"))?;
        let (digest, mut rest) = rest.split_first_chunk().ok_or(refuse("digest"))?;
        if xxh3_64(rest) != u64::from_le_bytes(*digest) {
            return Err(refuse("digest"));
        }
        let mut part = |name| {
            let (length, after) = rest.split_first_chunk().ok_or(refuse(name))?;
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| refuse(name))?;
            let (content, after) = after.split_at_checked(length).ok_or(refuse(name))?;
            rest = after;
            Ok(content)
        };
        let Manifest { averages, languages } =
            serde_json::from_slice(part("manifest")?).map_err(|_| refuse("manifest"))?;
        let words = Dictionary::from_parts(part("words")?, part("postings")?).ok_or(refuse("words"))?;
        let stems = Dictionary::from_parts(part("stems")?, part("postings")?).ok_or(refuse("stems"))?;
        let end = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        let (ends, after) = part("ends")?.as_chunks::<4>();
        let (ends, odd) = ends.as_chunks::<2>();
        let ends: Vec<[u32; 2]> = ends.iter().map(|[meanings, picks]| [end(meanings), end(picks)]).collect();
        let (texts, left) = part("texts")?.as_chunks::<DIMENSIONS>();
        let mut embeddings = Vec::with_capacity(texts.len());
        for text in texts {
            // A loop, as `map` of an array takes several times as long, and there are tens of thousands.
            let mut values = [0; DIMENSIONS];
            for (value, byte) in values.iter_mut().zip(text) {
                *value = byte.cast_signed();
            }
            embeddings.push(Embedding::from_values(values));
        }
        let is_whole = after.is_empty() && odd.is_empty() && left.is_empty() && rest.is_empty();
        let is_sound = ends.as_flattened().is_sorted()
            && ends.last().map_or(0, |[_, last]| *last as usize) == embeddings.len()
            && ends.len() <= MAX_DOCUMENTS;
        if !is_whole || !is_sound {
            return Err(refuse("ends"));
        }
        Ok(Self { averages, languages, words, stems, ends, texts: embeddings })
    }
}
