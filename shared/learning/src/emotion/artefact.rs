//! The stored head: one `safetensors` file.
//!
//! | tensor | type and shape | content |
//! |---|---|---|
//! | `words`, `characters` | U32 \[n-grams of the family\] | upper halves of hashes, strictly ascending |
//! | `idf` | F32 \[n-grams\] | inverse document frequencies, words first |
//! | `text.weights`, `meaning.weights` | I8 \[inputs, emotions and levels\] | |
//! | `text.scales`, `meaning.scales` | F32 \[inputs\] | what one step of an 8-bit weight is worth |
//! | `text.bias`, `meaning.bias` | F32 \[emotions and levels\] | |
//!
//! Inputs of the text layer are n-grams and then cues. The metadata is a single JSON entry, [`Manifest`].

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{
    CUES, EmotionHead, LEVELS, MAX_BYTES, MEANING_INPUTS, OUTPUTS,
    calibrate::Calibration,
    layer::QuantisedLayer,
    text::{Family, NgramTable},
};
use crate::model::ArtefactError;

/// Changes whenever the same rows would no longer give the same bytes.
pub(super) const FORMAT: u32 = 1;
const MANIFEST: &str = "romashka-emotion";
const WORDS: &str = "words";
const CHARACTERS: &str = "characters";
const IDF: &str = "idf";
const TEXT: [&str; 3] = ["text.weights", "text.scales", "text.bias"];
const MEANING: [&str; 3] = ["meaning.weights", "meaning.scales", "meaning.bias"];

/// What a head says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub format: u32,
    /// Distinct rows learnt from.
    pub rows: u32,
    /// Share of each level among them, from worst to best.
    pub shares: [f32; LEVELS],
    /// For the text layer where it answers alone.
    pub text: Calibration,
    pub meaning: Calibration,
}

impl EmotionHead {
    /// The stored head. The same head always gives the same bytes.
    ///
    /// # Errors
    /// [`ArtefactError::TooManyBytes`] when it exceeds [`MAX_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtefactError> {
        let manifest = serde_json::to_string(&self.manifest).map_err(unreadable)?;
        let NgramTable { words, characters } = &self.ngrams;
        let idf = [&words.inverse_document_frequency[..], &characters.inverse_document_frequency].concat();
        let mut tensors = vec![
            (WORDS, Dtype::U32, vec![words.hashes.len()], little_endian(&words.hashes, u32::to_le_bytes)),
            (
                CHARACTERS,
                Dtype::U32,
                vec![characters.hashes.len()],
                little_endian(&characters.hashes, u32::to_le_bytes),
            ),
            (IDF, Dtype::F32, vec![idf.len()], little_endian(&idf, f32::to_le_bytes)),
        ];
        for ([weights, scales, bias], layer) in [(TEXT, &self.text), (MEANING, &self.meaning)] {
            let inputs = layer.weights.len();
            let bytes = layer.weights.iter().flatten().map(|weight| weight.cast_unsigned()).collect();
            tensors.push((weights, Dtype::I8, vec![inputs, OUTPUTS], bytes));
            tensors.push((scales, Dtype::F32, vec![inputs], little_endian(&layer.scales, f32::to_le_bytes)));
            tensors.push((bias, Dtype::F32, vec![OUTPUTS], little_endian(&layer.bias, f32::to_le_bytes)));
        }
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(broken)?;
        // One entry only: `safetensors` keeps metadata in a `HashMap`, whose order is random.
        let metadata = HashMap::from([(MANIFEST.to_owned(), manifest)]);
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
        if bytes.len() > MAX_BYTES {
            return Err(ArtefactError::TooManyBytes { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Loads a stored head.
    ///
    /// # Errors
    /// When the bytes are not a whole head of this format. Hostile bytes cannot cause a panic, nor take memory beyond a
    /// small multiple of their own length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        if bytes.len() > MAX_BYTES {
            return Err(ArtefactError::TooManyBytes { bytes: bytes.len() });
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let written = header.metadata().as_ref().and_then(|metadata| metadata.get(MANIFEST));
        let written =
            written.ok_or_else(|| ArtefactError::Manifest { reason: format!("there is no entry `{MANIFEST}`") })?;
        let manifest: Manifest = serde_json::from_str(written).map_err(unreadable)?;
        manifest.check()?;

        let stored = SafeTensors::deserialize(bytes).map_err(broken)?;
        let words = hashes(&stored, WORDS)?;
        let characters = hashes(&stored, CHARACTERS)?;
        let ngrams = words.len() + characters.len();
        let mut word_frequencies = floats(&stored, IDF, ngrams)?;
        let character_frequencies = word_frequencies.split_off(words.len());
        Ok(Self {
            manifest,
            ngrams: NgramTable {
                words: Family { hashes: words, inverse_document_frequency: word_frequencies },
                characters: Family { hashes: characters, inverse_document_frequency: character_frequencies },
            },
            text: layer(&stored, TEXT, ngrams + CUES)?,
            meaning: layer(&stored, MEANING, MEANING_INPUTS)?,
        })
    }
}

impl Manifest {
    fn check(&self) -> Result<(), ArtefactError> {
        let refuse = |reason: &str| Err(ArtefactError::Manifest { reason: reason.to_owned() });
        if self.format != FORMAT {
            return refuse("it is of another format; train anew with this version");
        }
        if !self.shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return refuse("the shares of the levels are not between 0 and 1");
        }
        if !(self.text.is_sound() && self.meaning.is_sound()) {
            return refuse("a calibration is out of bounds");
        }
        Ok(())
    }
}

fn broken(error: safetensors::SafeTensorError) -> ArtefactError {
    ArtefactError::Container { reason: error.to_string() }
}

fn unreadable(error: serde_json::Error) -> ArtefactError {
    ArtefactError::Manifest { reason: error.to_string() }
}

fn layer(
    stored: &SafeTensors<'_>,
    [weights, scales, bias]: [&'static str; 3],
    inputs: usize,
) -> Result<QuantisedLayer, ArtefactError> {
    let (rows, _) = tensor(stored, weights, Dtype::I8, &[inputs, OUTPUTS])?.as_chunks::<OUTPUTS>();
    let all = floats(stored, bias, OUTPUTS)?;
    Ok(QuantisedLayer {
        scales: floats(stored, scales, inputs)?,
        weights: rows.iter().map(|row| row.map(u8::cast_signed)).collect(),
        bias: std::array::from_fn(|output| all[output]),
    })
}

fn hashes(stored: &SafeTensors<'_>, name: &'static str) -> Result<Vec<u32>, ArtefactError> {
    let length = stored.tensor(name).map_or(0, |view| view.shape().first().copied().unwrap_or(0));
    let (bytes, _) = tensor(stored, name, Dtype::U32, &[length])?.as_chunks();
    let hashes: Vec<u32> = bytes.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    if !hashes.is_sorted_by(|a, b| a < b) {
        return Err(ArtefactError::Tensor { tensor: name, fault: "does not ascend" });
    }
    Ok(hashes)
}

fn floats(stored: &SafeTensors<'_>, name: &'static str, length: usize) -> Result<Vec<f32>, ArtefactError> {
    let (bytes, _) = tensor(stored, name, Dtype::F32, &[length])?.as_chunks();
    let values: Vec<f32> = bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if !values.iter().all(|value| value.is_finite()) {
        return Err(ArtefactError::Tensor { tensor: name, fault: "holds a value that is not finite" });
    }
    Ok(values)
}

fn tensor<'bytes>(
    stored: &SafeTensors<'bytes>,
    name: &'static str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<&'bytes [u8], ArtefactError> {
    let fault = |fault| ArtefactError::Tensor { tensor: name, fault };
    let view = stored.tensor(name).map_err(|_| fault("is missing"))?;
    if view.dtype() != dtype || view.shape() != shape {
        return Err(fault("has another type or shape"));
    }
    Ok(view.data())
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| bytes(*value)).collect()
}
