//! The artefact: what training leaves behind and answering loads.
//!
//! A [`Model`] is immutable and knows itself: its bytes are one `safetensors` file whose metadata is a single JSON
//! entry, [`Manifest`], and which carries the SHA-256 of its own content. The same model always has the same
//! bytes; bytes that were cut or changed are refused.
//!
//! | tensor | type and shape | content |
//! |---|---|---|
//! | `words`, `characters` | U64 \[n-grams of the family\] | hashes, strictly ascending |
//! | `idf` | F32 \[n-grams\] | inverse document frequencies, words first |
//! | `ngram_scales` | F32 \[n-grams\] | what one step of an 8-bit weight is worth |
//! | `ngram_weights` | I8 \[n-grams, classes\] | shared by both tiers |
//! | `full_bias` | F32 \[classes\] | |
//! | `full_centre`, `full_scales` | F32 \[384\] | mean sentence embedding; steps |
//! | `full_weights` | I8 \[384, classes\] | |
//! | `fast_bias` | F32 \[classes\] | |
//! | `fast_centre`, `fast_scales` | F32 \[256\] | mean static embedding; steps |
//! | `fast_weights` | I8 \[256, classes\] | |
//! | `memory_centre` | F32 \[768\] | mean sentence and middle embeddings |
//! | `memory_codes` | U64 \[rows, 12\] | remembered rows, a bit a dimension |
//! | `memory_classes` | U16 \[rows\] | |
//! | `digest` | U8 \[32\] | SHA-256 of the manifest and of all tensors above |
//!
//! Classes are the intents in order and, where out-of-scope rows were labelled, the background class last. All from
//! `full_centre` to `memory_classes` is there only where an encoder read the rows, which the manifest then names.

use std::collections::{BTreeMap, HashMap};

use safetensors::{
    Dtype, SafeTensors,
    tensor::{Metadata, TensorInfo, TensorView},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    CODE_VERSION,
    batch::{FeaturisedRow, MAX_LABEL_BYTES},
    calibration::{Calibration, Judgement, OperatingPoint, OutOfScopeReason, Tier, Verdict},
    embedding::{DIMENSIONS, GLANCE_DIMENSIONS, Meaning},
    features::FeatureCounts,
    head::{Entry, QuantisedHead, QuantisedTier, QuantisedWeights, Weighting},
    memory::{self, Memory, Rotation, SHARPNESS},
    message::Message,
    parameters::Parameters,
    regions::MAX_REGIONS,
    training::MAX_INTENTS,
    vocabulary::{MAX_VOCABULARY, MAX_WEIGHTS, Vocabulary},
};

/// Bytes of an artefact.
pub const MAX_BYTES: usize = 128 * 1024 * 1024;

const FORMAT: u32 = 2;
const MANIFEST: &str = "romashka";
const WORDS: &str = "words";
const CHARACTERS: &str = "characters";
const IDF: &str = "idf";
const NGRAM_SCALES: &str = "ngram_scales";
const NGRAM_WEIGHTS: &str = "ngram_weights";
const FULL: TierNames =
    TierNames { bias: "full_bias", centre: "full_centre", scales: "full_scales", weights: "full_weights" };
const FAST: TierNames =
    TierNames { bias: "fast_bias", centre: "fast_centre", scales: "fast_scales", weights: "fast_weights" };
const MEMORY_CENTRE: &str = "memory_centre";
const MEMORY_CODES: &str = "memory_codes";
const MEMORY_CLASSES: &str = "memory_classes";
const DIGEST: &str = "digest";

/// Names of a tier's tensors.
struct TierNames {
    bias: &'static str,
    centre: &'static str,
    scales: &'static str,
    weights: &'static str,
}

/// What a model says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the artefact's layout.
    pub format: u32,
    /// [`CODE_VERSION`] of the method that fitted the model.
    pub code_version: u32,
    /// SHA-256, in hexadecimal, over the ascending content hashes of all rows learnt from.
    pub data_hash: String,
    /// Distinct rows learnt from.
    pub rows: u64,
    /// The recipe.
    pub parameters: Parameters,
    /// Identity of the encoder that read the rows; `None` for a model of n-grams alone.
    pub encoder: Option<String>,
    /// Intents in the order of their classes, ascending.
    pub intents: Vec<String>,
    /// Regions that the background was learnt by; 0 without rows labelled as out of scope.
    pub background_regions: usize,
    /// How logits become judgements.
    pub calibration: Calibration,
    /// Standing replies of versions before 3, which are not used any more: the knowledge index has them.
    #[serde(default, skip_serializing)]
    replies: BTreeMap<String, String>,
}

/// Why bytes are not a model, or a model cannot become bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    /// More bytes than an artefact may have.
    #[error("an artefact of {bytes} bytes exceeds {MAX_BYTES}")]
    TooManyBytes {
        /// Bytes that were given.
        bytes: usize,
    },
    /// The container is broken: cut short, or not `safetensors` at all.
    #[error("the artefact is not a safetensors file: {reason}")]
    Container {
        /// What the container's reader objects to.
        reason: String,
    },
    /// The metadata is missing or not a manifest of this format.
    #[error("the artefact's manifest cannot be read: {reason}")]
    Manifest {
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is missing, of another type or shape, or holds values it may not.
    #[error("the artefact's tensor `{tensor}` {fault}")]
    Tensor {
        /// Name of the tensor.
        tensor: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The content is not what it was when the artefact was written.
    #[error("the artefact's content does not match its digest; fetch it again or train anew")]
    Digest,
}

/// What a model makes of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction<'model> {
    /// The intent, or `None` when the message is out of scope.
    pub intent: Option<&'model str>,
    /// The most likely intent, also when the message is out of scope.
    pub best: &'model str,
    /// Calibrated probability of `best`, 0 to 1.
    pub confidence: f32,
    /// The next most likely intent; `None` for a model of one intent.
    pub runner_up: Option<RunnerUp<'model>>,
    /// `confidence` less that of the runner-up, 0 to 1.
    pub margin: f32,
    /// Why the message is out of scope, if it is.
    pub out_of_scope: Option<OutOfScopeReason>,
    /// How familiar the message is, in the full tier's own measure; the fast tier's confidence where that answered alone.
    pub score: f32,
    /// What `score` had to reach; `None` for a model that never had rows to set it by.
    pub threshold: Option<f32>,
    /// Which tier judged.
    pub tier: Tier,
}

impl Prediction<'_> {
    /// Whether the message may be of an intent after all: it is familiar, or only not familiar enough to act upon. What nothing
    /// is known of, and what people called nothing to answer, is not.
    #[must_use]
    pub fn is_about_something(&self) -> bool {
        matches!(self.out_of_scope, None | Some(OutOfScopeReason::BelowThreshold))
    }
}

/// The intent a message belongs to if not to the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunnerUp<'model> {
    /// The intent.
    pub intent: &'model str,
    /// Its calibrated probability, 0 to 1.
    pub confidence: f32,
}

/// A trained intent classifier. Immutable; safe to share between requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    manifest: Manifest,
    vocabulary: Vocabulary,
    body: Body,
}

/// What was fitted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Body {
    pub weighting: Weighting,
    pub head: QuantisedHead,
    /// Where an encoder read the rows.
    pub memory: Option<Memory>,
    pub rotation: Rotation,
}

/// What the n-grams of a message say, on which both tiers build.
pub(crate) struct Say {
    pub logits: Vec<f32>,
    anything: bool,
}

impl Body {
    pub(crate) fn say(&self, entries: &[Entry]) -> Say {
        let mut vector = Vec::with_capacity(entries.len());
        self.weighting.weigh(entries, &mut vector);
        Say { logits: self.head.say(&vector), anything: !vector.is_empty() }
    }

    pub(crate) fn verdict(&self, say: &Say, meaning: Option<&Meaning>) -> Verdict {
        let classes = self.head.intents + self.head.regions().min(1);
        let recall = |(memory, meaning): (&Memory, &Meaning)| memory.recall(&self.rotation, meaning, classes);
        let meaning = meaning.filter(|meaning| !meaning.sentence.is_zero());
        Verdict {
            logits: self.head.full(&say.logits, meaning.map(|meaning| &meaning.sentence)),
            recollection: self.memory.as_ref().zip(meaning).map(recall),
            anything_known: say.anything || (meaning.is_some() && self.memory.is_some()),
        }
    }
}

/// SHA-256 of an artefact's bytes, in hexadecimal: the name under which decisions cite the model.
#[must_use]
pub fn model_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Model {
    pub(crate) fn new(manifest: Manifest, vocabulary: Vocabulary, body: Body) -> Self {
        Self { manifest, vocabulary, body }
    }

    /// A manifest of this code's format for a model.
    pub(crate) fn manifest_of(
        data_hash: String,
        rows: u64,
        parameters: Parameters,
        encoder: Option<String>,
        intents: Vec<String>,
        background_regions: usize,
        calibration: Calibration,
    ) -> Manifest {
        Manifest {
            format: FORMAT,
            code_version: CODE_VERSION,
            data_hash,
            rows,
            parameters,
            encoder,
            intents,
            background_regions,
            calibration,
            replies: BTreeMap::new(),
        }
    }

    /// What the model says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The intents, ascending.
    #[must_use]
    pub fn intents(&self) -> &[String] {
        &self.manifest.intents
    }

    /// N-grams the model knows.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// The operating points a deployment may choose from, by ascending budget.
    #[must_use]
    pub fn operating_points(&self) -> &[OperatingPoint] {
        &self.manifest.calibration.points
    }

    /// The budget of the operating point that the model is deployed with unless another is chosen.
    #[must_use]
    pub fn default_budget(&self) -> f32 {
        self.manifest.parameters.budget(self.manifest.calibration.background)
    }

    /// Judges a message at the operating point of a budget, the fast tier first. Its encoder must be the one that read
    /// the rows; without it, or with another, the n-grams answer alone and are as good as they are.
    #[must_use]
    pub fn predict(&self, message: &Message<'_>, budget: f32) -> Prediction<'_> {
        let say = self.body.say(&self.entries(message.features()));
        let understood = message.encoder().is_some() && message.encoder() == self.manifest.encoder.as_deref();
        let glance = if understood { message.glance() } else { None };
        let fast = glance.and_then(|glance| self.body.head.fast(&say.logits, &glance));
        if let Some(sure) = fast.and_then(|logits| self.manifest.calibration.judge_fast(&logits)) {
            return self.prediction(sure);
        }
        let meaning = if understood { message.meaning() } else { None };
        self.prediction(self.manifest.calibration.judge(&self.body.verdict(&say, meaning.as_ref()), budget))
    }

    /// The likeliest intents of a message with their calibrated probabilities, the likeliest first and at most `most`. Only the
    /// full tier is asked: the fast one knows its best intent and no order among the others.
    #[must_use]
    pub fn likeliest(&self, message: &Message<'_>, most: usize) -> Vec<(&str, f32)> {
        let say = self.body.say(&self.entries(message.features()));
        let understood = message.encoder().is_some() && message.encoder() == self.manifest.encoder.as_deref();
        let meaning = if understood { message.meaning() } else { None };
        let probabilities = self.manifest.calibration.probabilities(&self.body.verdict(&say, meaning.as_ref()));
        let mut likeliest: Vec<_> = self.manifest.intents.iter().map(String::as_str).zip(probabilities).collect();
        likeliest.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        likeliest.truncate(most);
        likeliest
    }

    /// Judges a row that was featurised before. Its meaning counts if `encoder` is the one that read this model's rows.
    #[must_use]
    pub fn predict_row(&self, row: &FeaturisedRow, encoder: Option<&str>, budget: f32) -> Prediction<'_> {
        let say = self.body.say(&self.entries(&row.features));
        let meaning = row.meaning.as_ref().filter(|_| encoder.is_some() && encoder == self.manifest.encoder.as_deref());
        let fast = meaning.and_then(|meaning| self.body.head.fast(&say.logits, &meaning.glance));
        let sure = fast.and_then(|logits| self.manifest.calibration.judge_fast(&logits));
        let judge = || self.manifest.calibration.judge(&self.body.verdict(&say, meaning), budget);
        self.prediction(sure.unwrap_or_else(judge))
    }

    fn entries(&self, features: &FeatureCounts) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(features.words().len() + features.characters().len());
        self.vocabulary.locate(features, |position, count| entries.push(Entry { position, count }));
        entries
    }

    fn prediction(&self, judgement: Judgement) -> Prediction<'_> {
        let intent = |class: usize| self.manifest.intents[class].as_str();
        let runner_up = judgement
            .runner_up
            .map(|class| RunnerUp { intent: intent(class), confidence: judgement.runner_up_confidence });
        Prediction {
            intent: judgement.out_of_scope.is_none().then(|| intent(judgement.best)),
            best: intent(judgement.best),
            confidence: judgement.confidence,
            runner_up,
            margin: judgement.confidence - judgement.runner_up_confidence,
            out_of_scope: judgement.out_of_scope,
            score: judgement.score,
            threshold: judgement.threshold,
            tier: judgement.tier,
        }
    }

    /// The artefact. The same model always gives the same bytes.
    ///
    /// # Errors
    /// [`ArtefactError::TooManyBytes`] when the artefact exceeds [`MAX_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtefactError> {
        let manifest = serde_json::to_string(&self.manifest)
            .map_err(|error| ArtefactError::Manifest { reason: error.to_string() })?;
        let mut tensors = self.tensors();
        let digest = digest(&manifest, tensors.iter().map(|tensor| tensor.bytes.as_slice()));
        tensors.push(Tensor { name: DIGEST, dtype: Dtype::U8, shape: vec![digest.len()], bytes: digest });
        let views = tensors
            .iter()
            .map(|tensor| Ok((tensor.name, TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(container)?;
        // One entry only: `safetensors` keeps metadata in a `HashMap`, whose order is random.
        let metadata = HashMap::from([(MANIFEST.to_owned(), manifest)]);
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(container)?;
        if bytes.len() > MAX_BYTES {
            return Err(ArtefactError::TooManyBytes { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    fn tensors(&self) -> Vec<Tensor> {
        let Body { weighting, head, memory, .. } = &self.body;
        let (words, characters) = (self.vocabulary.word_hashes(), self.vocabulary.character_hashes());
        let classes = head.classes();
        let mut tensors = vec![
            Tensor::of_u64(WORDS, vec![words.len()], words),
            Tensor::of_u64(CHARACTERS, vec![characters.len()], characters),
            Tensor::of_f32(IDF, &weighting.inverse_document_frequency),
        ];
        tensors.extend(Tensor::of_weights(NGRAM_SCALES, NGRAM_WEIGHTS, &head.ngrams, classes));
        tensors.push(Tensor::of_f32(FULL.bias, &head.full.bias));
        let (Some(fast), Some(memory)) = (&head.fast, memory) else { return tensors };
        for (names, tier) in [(&FULL, &head.full), (&FAST, fast)] {
            tensors.push(Tensor::of_f32(names.centre, &tier.centre));
            tensors.extend(Tensor::of_weights(names.scales, names.weights, &tier.weights, classes));
        }
        tensors.push(Tensor::of_f32(FAST.bias, &fast.bias));
        tensors.push(Tensor::of_f32(MEMORY_CENTRE, &memory.centre));
        let codes = memory.codes.as_flattened();
        tensors.push(Tensor::of_u64(MEMORY_CODES, vec![memory.codes.len(), memory::WORDS], codes));
        tensors.push(Tensor {
            name: MEMORY_CLASSES,
            dtype: Dtype::U16,
            shape: vec![memory.classes.len()],
            bytes: little_endian(&memory.classes, u16::to_le_bytes),
        });
        tensors
    }

    /// Loads an artefact.
    ///
    /// # Errors
    /// When the bytes are not a whole and unchanged artefact of this format. Hostile bytes are refused too; they
    /// cannot cause a panic, nor memory beyond a small multiple of their own length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        if bytes.len() > MAX_BYTES {
            return Err(ArtefactError::TooManyBytes { bytes: bytes.len() });
        }
        let stored = Stored::read(bytes)?;
        let written = match stored.header.metadata() {
            Some(metadata) if metadata.len() == 1 => metadata.get(MANIFEST),
            _ => None,
        };
        let written = written.ok_or_else(|| ArtefactError::Manifest {
            reason: format!("it must be the only metadata entry, named `{MANIFEST}`"),
        })?;
        let manifest: Manifest =
            serde_json::from_str(written).map_err(|error| ArtefactError::Manifest { reason: error.to_string() })?;
        manifest.check()?;

        let intents = manifest.intents.len();
        let classes = intents + manifest.background_regions;
        let words = stored.vector(WORDS, Dtype::U64)?;
        let characters = stored.vector(CHARACTERS, Dtype::U64)?;
        let ngrams = (words.len() + characters.len()) / size_of::<u64>();
        if ngrams > MAX_VOCABULARY || ngrams * classes > MAX_WEIGHTS {
            return Err(ArtefactError::Tensor { tensor: NGRAM_WEIGHTS, fault: "exceeds what a model may hold" });
        }
        let vocabulary =
            Vocabulary::from_hashes(native(words, u64::from_le_bytes), native(characters, u64::from_le_bytes))
                .ok_or(ArtefactError::Tensor { tensor: WORDS, fault: "or its sibling does not ascend" })?;
        let weighting = Weighting {
            inverse_document_frequency: stored.floats(IDF, ngrams)?,
            first_character: vocabulary.first_character(),
        };
        let weights = stored.weights(NGRAM_SCALES, NGRAM_WEIGHTS, ngrams, classes)?;
        let encoded = manifest.encoder.is_some();
        let sized = |dimensions: usize| if encoded { dimensions } else { 0 };
        let head = QuantisedHead {
            intents,
            ngrams: weights,
            full: stored.tier(&FULL, sized(DIMENSIONS), classes)?,
            fast: if encoded { Some(stored.tier(&FAST, GLANCE_DIMENSIONS, classes)?) } else { None },
        };
        let memory = if encoded { Some(stored.memory(intents + manifest.background_regions.min(1))?) } else { None };
        let model = Self { manifest, vocabulary, body: Body { weighting, head, memory, rotation: Rotation::new() } };
        let tensors = model.tensors();
        if stored.header.tensors().len() != tensors.len() + 1
            || stored.tensor(DIGEST, Dtype::U8, &[32])?
                != digest(written, tensors.iter().map(|tensor| tensor.bytes.as_slice()))
        {
            return Err(ArtefactError::Digest);
        }
        Ok(model)
    }
}

impl Manifest {
    fn check(&self) -> Result<(), ArtefactError> {
        let refuse = |reason: &str| Err(ArtefactError::Manifest { reason: reason.to_owned() });
        if self.format != FORMAT {
            return refuse("it is of another format; train anew with this version");
        }
        if !(1..=MAX_INTENTS).contains(&self.intents.len()) {
            return refuse("the number of intents is out of bounds");
        }
        if !self.intents.is_sorted_by(|a, b| a < b) {
            return refuse("the intents do not ascend");
        }
        if self.intents.iter().any(|intent| intent.len() > MAX_LABEL_BYTES) {
            return refuse("an intent is too long");
        }
        if self.background_regions > MAX_REGIONS || (self.background_regions > 0) != self.calibration.background {
            return refuse("the regions of the background are out of bounds");
        }
        let Calibration { logit_weight, vote_weight, sharpness, familiarity, background, background_say, points, fast } =
            &self.calibration;
        if !(logit_weight.is_finite() && *logit_weight > 0.0 && vote_weight.is_finite() && *vote_weight >= 0.0) {
            return refuse("a weight of the calibration is not a positive number");
        }
        if *sharpness >= SHARPNESS.len() {
            return refuse("the sharpness of the memory is unknown");
        }
        let scales = familiarity.iter().flat_map(|scale| [scale.nearness, scale.certainty]);
        if scales.into_iter().any(|[mean, deviation]| !(mean.is_finite() && deviation.is_finite() && deviation > 0.0)) {
            return refuse("the scale of familiarity is not finite");
        }
        if points.is_empty() || !points.is_sorted_by(|a, b| a.budget < b.budget) {
            return refuse("the operating points do not ascend");
        }
        if !points.iter().all(|point| point.threshold.is_none_or(f32::is_finite)) {
            return refuse("an operating point is not finite");
        }
        if !(background_say.is_finite() && *background_say >= 0.0 && (*background || *background_say == 0.0)) {
            return refuse("the say of the background does not fit the background class");
        }
        if fast.is_some_and(|fast| !(fast.logit_weight > 0.0 && fast.logit_weight.is_finite())) {
            return refuse("the fast tier's weight is not a positive number");
        }
        Ok(())
    }
}

/// A tensor being written.
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn of_f32(name: &'static str, values: &[f32]) -> Self {
        Self { name, dtype: Dtype::F32, shape: vec![values.len()], bytes: little_endian(values, f32::to_le_bytes) }
    }

    fn of_u64(name: &'static str, shape: Vec<usize>, values: &[u64]) -> Self {
        Self { name, dtype: Dtype::U64, shape, bytes: little_endian(values, u64::to_le_bytes) }
    }

    fn of_weights(
        scales: &'static str,
        weights: &'static str,
        quantised: &QuantisedWeights,
        classes: usize,
    ) -> [Self; 2] {
        let shape = vec![quantised.scales.len(), classes];
        let bytes = quantised.weights.iter().map(|weight| weight.cast_unsigned()).collect();
        [Self::of_f32(scales, &quantised.scales), Self { name: weights, dtype: Dtype::I8, shape, bytes }]
    }
}

/// SHA-256 over the manifest and every tensor, each preceded by its length.
fn digest<'tensors>(manifest: &str, tensors: impl Iterator<Item = &'tensors [u8]>) -> Vec<u8> {
    let mut digest = Sha256::new();
    let mut update = |part: &[u8]| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    update(manifest.as_bytes());
    tensors.for_each(update);
    digest.finalize().to_vec()
}

fn container(error: safetensors::SafeTensorError) -> ArtefactError {
    ArtefactError::Container { reason: error.to_string() }
}

/// A `safetensors` file being read.
struct Stored<'bytes> {
    header: Metadata,
    data: &'bytes [u8],
}

impl<'bytes> Stored<'bytes> {
    fn read(bytes: &'bytes [u8]) -> Result<Self, ArtefactError> {
        let (header_length, header) = SafeTensors::read_metadata(bytes).map_err(container)?;
        let data = bytes.get(size_of::<u64>() + header_length..).unwrap_or_default();
        Ok(Self { header, data })
    }

    /// A tensor of one dimension, of any length.
    fn vector(&self, name: &'static str, dtype: Dtype) -> Result<&'bytes [u8], ArtefactError> {
        self.matching(name, |info| info.dtype == dtype && info.shape.len() == 1)
    }

    fn tensor(&self, name: &'static str, dtype: Dtype, shape: &[usize]) -> Result<&'bytes [u8], ArtefactError> {
        self.matching(name, |info| info.dtype == dtype && info.shape == shape)
    }

    fn floats(&self, name: &'static str, count: usize) -> Result<Vec<f32>, ArtefactError> {
        finite(self.tensor(name, Dtype::F32, &[count])?, name)
    }

    fn weights(
        &self,
        scales: &'static str,
        weights: &'static str,
        inputs: usize,
        classes: usize,
    ) -> Result<QuantisedWeights, ArtefactError> {
        Ok(QuantisedWeights {
            scales: self.floats(scales, inputs)?,
            weights: self
                .tensor(weights, Dtype::I8, &[inputs, classes])?
                .iter()
                .map(|weight| weight.cast_signed())
                .collect(),
        })
    }

    fn tier(&self, names: &TierNames, dimensions: usize, classes: usize) -> Result<QuantisedTier, ArtefactError> {
        let bias = self.floats(names.bias, classes)?;
        if dimensions == 0 {
            return Ok(QuantisedTier { centre: Vec::new(), weights: QuantisedWeights::default(), bias });
        }
        Ok(QuantisedTier {
            centre: self.floats(names.centre, dimensions)?,
            weights: self.weights(names.scales, names.weights, dimensions, classes)?,
            bias,
        })
    }

    fn memory(&self, classes: usize) -> Result<Memory, ArtefactError> {
        let remembered: Vec<u16> = native(self.vector(MEMORY_CLASSES, Dtype::U16)?, u16::from_le_bytes);
        if remembered.len() > memory::MAX_ROWS || remembered.iter().any(|class| usize::from(*class) >= classes) {
            return Err(ArtefactError::Tensor { tensor: MEMORY_CLASSES, fault: "exceeds what a model may hold" });
        }
        let codes = self.tensor(MEMORY_CODES, Dtype::U64, &[remembered.len(), memory::WORDS])?;
        let (codes, _) = codes.as_chunks::<{ memory::WORDS * size_of::<u64>() }>();
        let code = |bytes: &[u8; memory::WORDS * size_of::<u64>()]| {
            let (words, _) = bytes.as_chunks();
            std::array::from_fn(|word| u64::from_le_bytes(words[word]))
        };
        Ok(Memory {
            centre: self.floats(MEMORY_CENTRE, memory::WIDTH)?,
            codes: codes.iter().map(code).collect(),
            classes: remembered,
        })
    }

    fn matching(
        &self,
        name: &'static str,
        fits: impl FnOnce(&TensorInfo) -> bool,
    ) -> Result<&'bytes [u8], ArtefactError> {
        let fault = |fault| ArtefactError::Tensor { tensor: name, fault };
        let info = self.header.info(name).ok_or(fault("is missing"))?;
        if !fits(info) {
            return Err(fault("has another type or shape"));
        }
        let (start, end) = info.data_offsets;
        self.data.get(start..end).ok_or(fault("lies outside the file"))
    }
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| bytes(*value)).collect()
}

fn native<T, const N: usize>(bytes: &[u8], value: fn([u8; N]) -> T) -> Vec<T> {
    let (values, _) = bytes.as_chunks();
    values.iter().map(|bytes| value(*bytes)).collect()
}

fn finite(bytes: &[u8], tensor: &'static str) -> Result<Vec<f32>, ArtefactError> {
    let values = native(bytes, f32::from_le_bytes);
    if values.iter().all(|value| value.is_finite()) {
        return Ok(values);
    }
    Err(ArtefactError::Tensor { tensor, fault: "holds a value that is not finite" })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::sentences::{strangers, support_rows, train};

    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        let parameters = Parameters { epochs: 2, min_df: 20, ..Parameters::default() };
        train(&[&support_rows(), &strangers()], &parameters).unwrap().model
    });

    fn bytes() -> Vec<u8> {
        MODEL.to_bytes().unwrap()
    }

    fn header_length(bytes: &[u8]) -> usize {
        SafeTensors::read_metadata(bytes).unwrap().0 + size_of::<u64>()
    }

    /// The artefact with a change to its manifest and a digest that vouches for it.
    fn forged(change: impl FnOnce(&mut Manifest)) -> Result<Model, ArtefactError> {
        let mut model = MODEL.clone();
        change(&mut model.manifest);
        Model::from_bytes(&model.to_bytes().unwrap())
    }

    #[test]
    fn a_loaded_model_is_the_saved_one_to_the_last_byte() {
        let loaded = Model::from_bytes(&bytes()).unwrap();
        assert_eq!(loaded, *MODEL);
        assert_eq!(loaded.to_bytes().unwrap(), bytes());
        let message = Message::new("where is my parcel", None);
        assert_eq!(loaded.predict(&message, 0.0), MODEL.predict(&message, 0.0));
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        assert_eq!(model_hash(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_truncated_artefact_is_refused() {
        let bytes = bytes();
        for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
            assert!(Model::from_bytes(&bytes[..length]).is_err(), "{length} bytes were accepted");
        }
    }

    #[test]
    fn a_manifest_that_does_not_fit_is_refused_even_with_a_valid_digest() {
        assert!(forged(|_| {}).is_ok());
        assert!(matches!(forged(|m| m.format = 1), Err(ArtefactError::Manifest { .. })));
        assert!(matches!(forged(|m| m.intents.reverse()), Err(ArtefactError::Manifest { .. })));
        assert!(matches!(forged(|m| m.intents.clear()), Err(ArtefactError::Manifest { .. })));
        assert!(matches!(forged(|m| m.calibration.logit_weight = 0.0), Err(ArtefactError::Manifest { .. })));
        assert!(matches!(forged(|m| m.calibration.background = false), Err(ArtefactError::Manifest { .. })));
        let endless = "x".repeat(MAX_LABEL_BYTES + 1);
        assert!(matches!(forged(|m| m.intents.push(endless)), Err(ArtefactError::Manifest { .. })));
    }

    #[test]
    fn numbers_that_are_none_are_refused_even_with_a_valid_digest() {
        let mut model = MODEL.clone();
        model.body.head.full.bias[0] = f32::NAN;
        let refused = Model::from_bytes(&model.to_bytes().unwrap()).unwrap_err();
        assert_eq!(refused, ArtefactError::Tensor { tensor: FULL.bias, fault: "holds a value that is not finite" });
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1..=u8::MAX) {
            let mut bytes = bytes();
            let header = header_length(&bytes);
            let at = header + at.index(bytes.len() - header);
            bytes[at] ^= change;
            prop_assert!(Model::from_bytes(&bytes).is_err());
        }

        #[test]
        fn a_changed_header_is_refused_or_says_the_same(at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let mut bytes = bytes();
            let at = at.index(header_length(&bytes));
            bytes[at] = with;
            if let Ok(model) = Model::from_bytes(&bytes) {
                prop_assert_eq!(&model, &*MODEL);
            }
        }

        #[test]
        fn garbage_is_never_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Model::from_bytes(&garbage).is_err());
        }

        #[test]
        fn every_message_gets_a_sound_answer(text in ".{0,200}") {
            let prediction = MODEL.predict(&Message::new(&text, None), 0.01);
            prop_assert!((0.0..=1.0).contains(&prediction.confidence));
            prop_assert!((-1e-6..=1.0).contains(&prediction.margin) || prediction.out_of_scope.is_some());
            prop_assert_eq!(prediction.intent.is_none(), prediction.out_of_scope.is_some());
        }
    }
}
