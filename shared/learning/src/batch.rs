//! What a worker hands to the reducer: rows as n-gram counts, many in one piece of bytes.
//!
//! # Layout, version 2
//! `RFB2`, then the encoder, then the distinct labels, then the distinct word hashes, then the distinct character
//! hashes, then the rows. The n-grams of a batch repeat from row to row, so a row names them by their position in the ascending
//! list of hashes, written as gaps: about one byte instead of eight.
//!
//! | part | bytes |
//! |---|---|
//! | encoder | length and UTF-8 of its identity; no length where none was there |
//! | labels | count, then length and UTF-8 of each, ascending |
//! | hashes, for each family | count, then 8 bytes little-endian each, ascending |
//! | rows | count, then for each row: content hash (16), text hash (16), group (8, little-endian), label position + 1 or 0, characters, for each family its count and its features, and, where there was an encoder, its [`Meaning`] (256 + 384 + 384) |
//! | feature | gap to the position before, doubled; odd when a count above 1 follows |
//!
//! Every number that is not fixed is LEB128 and in its shortest form. The same rows in the same order always
//! give the same bytes, and [`decode`] accepts no other spelling of a number: anything truncated, oversized or
//! out of order is an error that says where.

use std::collections::BTreeSet;

use romashka_encoder::Encoder;

use crate::{
    content::{ContentHash, Group, MAX_CHARACTERS, normalise},
    embedding::{Embedding, Meaning},
    features::{FeatureCount, FeatureCounts, MAX_OCCURRENCES, extract_normalised},
};

/// Rows that fit one batch.
pub const MAX_ROWS: usize = 10_000;
/// Bytes of an encoded batch.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// UTF-8 bytes of a label: room for 100 characters of any script.
pub const MAX_LABEL_BYTES: usize = 400;

/// UTF-8 bytes of an encoder's identity.
const MAX_ENCODER_BYTES: usize = 64;
const MAGIC: &[u8; 4] = b"RFB2";

/// A row of training data as the reducer sees it: what it says, as n-grams, but not the text itself.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturisedRow {
    /// Identity of the row.
    pub content: ContentHash,
    /// Identity of its text, whatever the label: what embeddings are kept by.
    pub text: ContentHash,
    /// What the row must share its side of the hold-out with.
    pub group: Group,
    /// The intent, [`OUT_OF_SCOPE_LABEL`](crate::OUT_OF_SCOPE_LABEL), or nothing when nobody has labelled the row.
    pub label: Option<String>,
    /// Characters of the normalised text.
    pub characters: u32,
    /// Its n-grams.
    pub features: FeatureCounts,
    /// What the encoder makes of it, where there is one.
    pub meaning: Option<Meaning>,
}

/// Rows that one worker featurised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Identity of the encoder; with it every row has a meaning, and without it none.
    pub encoder: Option<String>,
    /// The rows.
    pub rows: Vec<FeaturisedRow>,
}

impl Batch {
    /// Rows that no encoder has seen.
    #[must_use]
    pub const fn of_ngrams(rows: Vec<FeaturisedRow>) -> Self {
        Self { encoder: None, rows }
    }

    /// Has the encoder read the texts of rows that lack a meaning. `text_of` gives a row's text by its position.
    #[must_use]
    pub fn encoded<'text>(
        mut rows: Vec<FeaturisedRow>,
        encoder: &Encoder,
        text_of: impl Fn(usize) -> &'text str,
    ) -> Self {
        let missing: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].meaning.is_none()).collect();
        // As rows are identified: what is normalised alike must mean the same.
        let texts: Vec<String> = missing.iter().map(|row| normalise(text_of(*row))).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (row, meaning) in missing.into_iter().zip(Meaning::of(encoder, &texts)) {
            rows[row].meaning = Some(meaning);
        }
        Self { encoder: Some(encoder.id().to_owned()), rows }
    }
}

impl FeaturisedRow {
    /// Reads a text. Blanks around the label are dropped and a blank label is none; `conversation` is any stable
    /// identifier, and without one the text stands for itself.
    ///
    /// # Errors
    /// [`BatchError::LabelTooLong`] when the label exceeds [`MAX_LABEL_BYTES`].
    pub fn from_text(text: &str, label: Option<&str>, conversation: Option<&str>) -> Result<Self, BatchError> {
        let label = label.map(str::trim).filter(|label| !label.is_empty());
        if let Some(label) = label {
            check_label(label)?;
        }
        let text = normalise(text);
        Ok(Self {
            content: ContentHash::of_normalised(&text, label),
            text: ContentHash::of_normalised(&text, None),
            group: conversation.map_or_else(|| Group::of_normalised(&text), Group::of_conversation),
            label: label.map(str::to_owned),
            characters: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
            features: extract_normalised(&text),
            meaning: None,
        })
    }
}

/// Why rows could not become a batch or bytes are not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A label is longer than a label may be.
    #[error("a label of {length} bytes exceeds {MAX_LABEL_BYTES}; shorten it")]
    LabelTooLong {
        /// Bytes of the label.
        length: usize,
    },
    /// More rows than one batch may hold.
    #[error("{rows} rows exceed the {MAX_ROWS} of one batch; split them")]
    TooManyRows {
        /// Rows that were offered or announced.
        rows: u64,
    },
    /// More bytes than one batch may have.
    #[error("{bytes} bytes exceed the {MAX_BYTES} of one batch; split its rows")]
    TooManyBytes {
        /// Bytes that were produced or offered.
        bytes: usize,
    },
    /// The bytes are something else, or a batch of another version.
    #[error("not a batch of featurised rows of version 2")]
    Unrecognised,
    /// The bytes end before the batch does, or after it.
    #[error("the batch does not end where its bytes do, at byte {at}")]
    Length {
        /// Offset at which reading stopped.
        at: usize,
    },
    /// A row lacks the meaning that the batch's encoder gives every row.
    #[error("row {row} of the batch has no embedding; encode it, or name no encoder")]
    NoMeaning {
        /// Position of the row.
        row: usize,
    },
    /// A value breaks a rule of the layout.
    #[error("the batch holds an invalid {what} before byte {at}")]
    Invalid {
        /// Name of the value.
        what: &'static str,
        /// Offset at which reading stopped.
        at: usize,
    },
}

fn check_label(label: &str) -> Result<(), BatchError> {
    if label.len() > MAX_LABEL_BYTES {
        return Err(BatchError::LabelTooLong { length: label.len() });
    }
    Ok(())
}

/// Writes rows as a batch, in the order given.
///
/// # Errors
/// When there are more than [`MAX_ROWS`] rows, a label exceeds [`MAX_LABEL_BYTES`], a row lacks the meaning that an
/// encoder gives, or the batch exceeds [`MAX_BYTES`].
pub fn encode(batch: &Batch) -> Result<Vec<u8>, BatchError> {
    let rows = &batch.rows;
    if rows.len() > MAX_ROWS {
        return Err(BatchError::TooManyRows { rows: rows.len() as u64 });
    }
    let labels: BTreeSet<&str> = rows.iter().filter_map(|row| row.label.as_deref()).collect();
    labels.iter().try_for_each(|label| check_label(label))?;
    let labels: Vec<&str> = labels.into_iter().collect();
    let words = distinct_hashes(rows, FeatureCounts::words);
    let characters = distinct_hashes(rows, FeatureCounts::characters);

    let mut bytes = MAGIC.to_vec();
    let encoder = batch.encoder.as_deref().unwrap_or_default();
    write_number(&mut bytes, encoder.len() as u64);
    bytes.extend_from_slice(encoder.as_bytes());
    write_number(&mut bytes, labels.len() as u64);
    for label in &labels {
        write_number(&mut bytes, label.len() as u64);
        bytes.extend_from_slice(label.as_bytes());
    }
    for hashes in [&words, &characters] {
        write_number(&mut bytes, hashes.len() as u64);
        bytes.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
    }
    write_number(&mut bytes, rows.len() as u64);
    for (position, row) in rows.iter().enumerate() {
        bytes.extend_from_slice(row.content.as_bytes());
        bytes.extend_from_slice(row.text.as_bytes());
        bytes.extend_from_slice(&row.group.bits().to_le_bytes());
        let label = row.label.as_deref().map_or(0, |label| 1 + labels.partition_point(|candidate| *candidate < label));
        write_number(&mut bytes, label as u64);
        write_number(&mut bytes, u64::from(row.characters));
        write_family(&mut bytes, row.features.words(), &words);
        write_family(&mut bytes, row.features.characters(), &characters);
        if batch.encoder.is_some() {
            let meaning = row.meaning.as_ref().ok_or(BatchError::NoMeaning { row: position })?;
            write_embedding(&mut bytes, &meaning.glance);
            write_embedding(&mut bytes, &meaning.sentence);
            write_embedding(&mut bytes, &meaning.middle);
        }
    }
    if bytes.len() > MAX_BYTES {
        return Err(BatchError::TooManyBytes { bytes: bytes.len() });
    }
    Ok(bytes)
}

fn distinct_hashes(rows: &[FeaturisedRow], family: fn(&FeatureCounts) -> &[FeatureCount]) -> Vec<u64> {
    let mut hashes: Vec<u64> = rows.iter().flat_map(|row| family(&row.features)).map(|feature| feature.hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn write_family(bytes: &mut Vec<u8>, family: &[FeatureCount], hashes: &[u64]) {
    write_number(bytes, family.len() as u64);
    let mut next = 0;
    for feature in family {
        let gap = hashes[next..].partition_point(|hash| *hash < feature.hash);
        let repeated = feature.count > 1;
        write_number(bytes, (gap as u64) << 1 | u64::from(repeated));
        if repeated {
            write_number(bytes, u64::from(feature.count));
        }
        next += gap + 1;
    }
}

fn write_embedding<const N: usize>(bytes: &mut Vec<u8>, embedding: &Embedding<N>) {
    bytes.extend(embedding.values().iter().map(|value| value.cast_unsigned()));
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads a batch. Nothing is allocated that the bytes do not pay for.
///
/// # Errors
/// When the bytes are not exactly one batch as [`encode`] writes it.
pub fn decode(bytes: &[u8]) -> Result<Batch, BatchError> {
    if bytes.len() > MAX_BYTES {
        return Err(BatchError::TooManyBytes { bytes: bytes.len() });
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(BatchError::Unrecognised)?;
    let mut reader = Reader { rest, length: bytes.len() };
    let encoder = reader.encoder()?;
    let labels = reader.labels()?;
    let words = reader.hashes()?;
    let characters = reader.hashes()?;
    let announced = reader.number()?;
    if announced > MAX_ROWS as u64 {
        return Err(BatchError::TooManyRows { rows: announced });
    }
    let mut rows = Vec::new();
    for _ in 0..announced {
        let mut row = reader.row(&labels, &words, &characters)?;
        if encoder.is_some() {
            row.meaning = Some(reader.meaning()?);
        }
        rows.push(row);
    }
    if !reader.rest.is_empty() {
        return Err(BatchError::Length { at: reader.at() });
    }
    Ok(Batch { encoder, rows })
}

struct Reader<'bytes> {
    rest: &'bytes [u8],
    length: usize,
}

impl<'bytes> Reader<'bytes> {
    fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    fn invalid(&self, what: &'static str) -> BatchError {
        BatchError::Invalid { what, at: self.at() }
    }

    fn take(&mut self, count: usize) -> Result<&'bytes [u8], BatchError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(BatchError::Length { at: self.at() });
        };
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else {
            return Err(BatchError::Length { at: self.at() });
        };
        self.rest = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u64, BatchError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let digit = u64::from(byte & 0x7f);
            if digit << shift >> shift != digit || (byte == 0 && shift > 0) {
                return Err(self.invalid("number"));
            }
            number |= digit << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.invalid("number"))
    }

    fn bounded(&mut self, limit: usize, what: &'static str) -> Result<usize, BatchError> {
        let number = self.number()?;
        match usize::try_from(number) {
            Ok(number) if number <= limit => Ok(number),
            _ => Err(self.invalid(what)),
        }
    }

    fn encoder(&mut self) -> Result<Option<String>, BatchError> {
        let length = self.bounded(MAX_ENCODER_BYTES, "length of the encoder's identity")?;
        let encoder = str::from_utf8(self.take(length)?).map_err(|_| self.invalid("identity of the encoder"))?;
        Ok((length > 0).then(|| encoder.to_owned()))
    }

    fn meaning(&mut self) -> Result<Meaning, BatchError> {
        Ok(Meaning { glance: self.embedding()?, sentence: self.embedding()?, middle: self.embedding()? })
    }

    fn embedding<const N: usize>(&mut self) -> Result<Embedding<N>, BatchError> {
        let values: [u8; N] = self.array()?;
        Ok(Embedding::from_values(values.map(u8::cast_signed)))
    }

    fn labels(&mut self) -> Result<Vec<&'bytes str>, BatchError> {
        let count = self.bounded(MAX_ROWS, "number of labels")?;
        let mut labels: Vec<&str> = Vec::new();
        for _ in 0..count {
            let length = self.bounded(MAX_LABEL_BYTES, "length of a label")?;
            let label = str::from_utf8(self.take(length)?).map_err(|_| self.invalid("label"))?;
            if labels.last().is_some_and(|previous| *previous >= label) {
                return Err(self.invalid("order of labels"));
            }
            labels.push(label);
        }
        Ok(labels)
    }

    fn hashes(&mut self) -> Result<Vec<u64>, BatchError> {
        let count = self.bounded(MAX_BYTES / 8, "number of hashes")?;
        let (hashes, _) = self.take(count * 8)?.as_chunks();
        let hashes: Vec<u64> = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(self.invalid("order of hashes"));
        }
        Ok(hashes)
    }

    fn row(&mut self, labels: &[&str], words: &[u64], characters: &[u64]) -> Result<FeaturisedRow, BatchError> {
        let content = ContentHash::from_bytes(self.array()?);
        let text = ContentHash::from_bytes(self.array()?);
        let group = Group::from_bits(u64::from_le_bytes(self.array()?));
        let label = match self.bounded(labels.len(), "label position")? {
            0 => None,
            position => Some(labels[position - 1].to_owned()),
        };
        let length = self.bounded(MAX_CHARACTERS, "number of characters")?;
        let words = self.family(words)?;
        let characters = self.family(characters)?;
        Ok(FeaturisedRow {
            content,
            text,
            group,
            label,
            characters: u32::try_from(length).unwrap_or(u32::MAX),
            features: FeatureCounts::from_ascending(words, characters),
            meaning: None,
        })
    }

    fn family(&mut self, hashes: &[u64]) -> Result<Vec<FeatureCount>, BatchError> {
        let count = self.bounded(MAX_OCCURRENCES, "number of features")?;
        let mut family = Vec::with_capacity(count.min(self.rest.len()));
        let mut rest = hashes;
        for _ in 0..count {
            let written = self.number()?;
            let gap = usize::try_from(written >> 1).unwrap_or(usize::MAX);
            let Some((&hash, after)) = rest.get(gap..).and_then(<[u64]>::split_first) else {
                return Err(self.invalid("feature position"));
            };
            rest = after;
            let count = if written & 1 == 0 { 1 } else { self.bounded(MAX_OCCURRENCES, "feature count")? };
            if count == 0 || (written & 1 == 1 && count == 1) {
                return Err(self.invalid("feature count"));
            }
            let count = u16::try_from(count).map_err(|_| self.invalid("feature count"))?;
            family.push(FeatureCount { hash, count });
        }
        Ok(family)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str, label: Option<&str>) -> FeaturisedRow {
        FeaturisedRow::from_text(text, label, None).unwrap()
    }

    /// Rows as they are without an encoder, and with one.
    fn some_batches() -> [Batch; 2] {
        let plain = Batch::of_ngrams(some_rows());
        let mut rows = plain.rows.clone();
        for (number, row) in rows.iter_mut().enumerate() {
            let value = 1 + i8::try_from(number).unwrap();
            row.meaning = Some(Meaning {
                glance: Embedding::from_values([value; 256]),
                sentence: Embedding::from_values([-value; 384]),
                middle: Embedding::from_values([0; 384]),
            });
        }
        [plain, Batch { encoder: Some("e5".to_owned()), rows }]
    }

    fn encoded(rows: Vec<FeaturisedRow>) -> Result<Vec<u8>, BatchError> {
        encode(&Batch::of_ngrams(rows))
    }

    fn some_rows() -> Vec<FeaturisedRow> {
        vec![
            row("Where is my card?", Some("card_arrival")),
            row("my card my card my card", Some("card_arrival")),
            row("", None),
            row("¿Dónde está mi tarjeta? 卡在哪里 🙂", Some("карта")),
        ]
    }

    #[test]
    fn a_batch_brings_back_the_rows_it_was_given() {
        for batch in some_batches() {
            assert_eq!(decode(&encode(&batch).unwrap()).unwrap(), batch);
        }
        assert_eq!(decode(&encoded(Vec::new()).unwrap()).unwrap(), Batch::default());
    }

    #[test]
    fn a_row_that_the_encoder_has_not_read_is_named() {
        let [_, mut batch] = some_batches();
        batch.rows[2].meaning = None;
        assert_eq!(encode(&batch), Err(BatchError::NoMeaning { row: 2 }));
    }

    #[test]
    fn repeated_ngrams_cost_about_a_byte() {
        let one = encoded(vec![row("where is the card that i ordered", None)]).unwrap().len();
        let rows: Vec<_> = (0..50).map(|_| row("where is the card that i ordered", None)).collect();
        let features = rows[0].features.words().len() + rows[0].features.characters().len();
        assert!(encoded(rows).unwrap().len() < one + 49 * (features + 56));
    }

    #[test]
    fn a_truncated_batch_is_refused_at_every_length() {
        for batch in some_batches() {
            let bytes = encode(&batch).unwrap();
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length]).is_err(), "{length} bytes were accepted");
            }
        }
    }

    #[test]
    fn bytes_after_the_last_row_are_refused() {
        let mut bytes = encoded(some_rows()).unwrap();
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(BatchError::Length { at: bytes.len() - 1 }));
    }

    #[test]
    fn other_bytes_are_not_a_batch() {
        assert_eq!(decode(b"text,category\n"), Err(BatchError::Unrecognised));
    }

    #[test]
    fn an_announced_flood_of_rows_is_refused_before_memory_is_taken() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([0, 0, 0, 0]);
        write_number(&mut bytes, u64::MAX);
        assert_eq!(decode(&bytes), Err(BatchError::TooManyRows { rows: u64::MAX }));
    }

    #[test]
    fn a_number_has_one_spelling() {
        let mut bytes = encoded(Vec::new()).unwrap();
        bytes.pop();
        bytes.extend([0x80, 0x00]);
        assert!(matches!(decode(&bytes), Err(BatchError::Invalid { what: "number", .. })));
    }

    #[test]
    fn too_many_rows_do_not_become_one_batch() {
        let rows = vec![row("", None); MAX_ROWS + 1];
        assert_eq!(encoded(rows), Err(BatchError::TooManyRows { rows: MAX_ROWS as u64 + 1 }));
    }

    #[test]
    fn a_label_is_trimmed_bounded_and_never_blank() {
        assert_eq!(row("hello", Some("  ")).label, None);
        assert_eq!(row("hello", Some(" greeting ")), row("hello", Some("greeting")));
        let long = "x".repeat(MAX_LABEL_BYTES + 1);
        assert_eq!(
            FeaturisedRow::from_text("hello", Some(&long), None),
            Err(BatchError::LabelTooLong { length: MAX_LABEL_BYTES + 1 })
        );
    }

    proptest! {
        #[test]
        fn any_rows_survive_the_journey(
            texts in prop::collection::vec((".{0,80}", prop::option::of("[a-zé_]{1,12}"), prop::option::of("[0-9]{1,4}")), 0..12)
        ) {
            let rows: Vec<_> = texts
                .iter()
                .map(|(text, label, conversation)| {
                    FeaturisedRow::from_text(text, label.as_deref(), conversation.as_deref()).unwrap()
                })
                .collect();
            prop_assert_eq!(decode(&encoded(rows.clone()).unwrap()).unwrap().rows, rows);
        }

        #[test]
        fn garbage_is_never_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(&garbage);
            let _ = decode(&garbage);
            let _ = decode(&bytes);
        }

        #[test]
        fn a_damaged_batch_is_refused_or_is_itself_a_batch(at in any::<prop::sample::Index>(), with in any::<u8>()) {
            for batch in some_batches() {
                let mut bytes = encode(&batch).unwrap();
                let at = at.index(bytes.len());
                bytes[at] = with;
                if let Ok(batch) = decode(&bytes) {
                    prop_assert_eq!(decode(&encode(&batch).unwrap()).unwrap(), batch);
                }
            }
        }
    }
}
