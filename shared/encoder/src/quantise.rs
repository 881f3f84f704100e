//! From the published weights to a package: done once, at set-up.
//!
//! Each row of weights becomes bytes from −127 to 127 and a scale. Plain loops in a fixed order make the package, so
//! the same weights give the same bytes on every machine.

use bytemuck::cast_slice;
use safetensors::{Dtype, SafeTensors};

use crate::{
    Encoder, EncoderError,
    architecture::{Block, GLANCE, HIDDEN, MAX_TOKENS, VOCABULARY},
    arithmetic::to_bytes,
    distil::distil,
    kernel::{GROUP, PANEL},
    package::{MAX_BYTES, NormSite, Part, Section, assemble},
    vocabulary::{LONGEST_ENTRY, Table, tabulate},
    wordpiece::SPECIAL,
};

/// Largest file of weights, in bytes; the published one has 91 MB.
pub const MAX_WEIGHT_BYTES: usize = 256 << 20;
/// Largest file of entries, in bytes; the published one has 232 kB.
pub const MAX_VOCABULARY_BYTES: usize = 4 << 20;
/// Positions of the published network.
const PUBLISHED_POSITIONS: usize = 512;
/// Kinds of token of the published network: the first and the second of two texts.
const TOKEN_TYPES: usize = 2;

/// Why no package can be made.
#[derive(Debug, thiserror::Error)]
pub enum QuantiseError {
    /// An input is larger than anything it could be.
    #[error("the {what} have {found} bytes, at most {limit} are read; check the file")]
    TooLarge {
        /// Which input.
        what: &'static str,
        /// Its bytes.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The weights are not in the safetensors format.
    #[error("cannot read the weights as safetensors: {0}; fetch them again")]
    Format(#[from] safetensors::SafeTensorError),
    /// The weights are of another network.
    #[error("tensor {name} is {found}, expected f32 of shape {expected:?}; use the weights of all-MiniLM-L6-v2")]
    Tensor {
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// The shape it must have.
        expected: Vec<usize>,
    },
    /// A weight is infinite or not a number.
    #[error("tensor {name} has a value at {index} that is not finite; fetch the weights again")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Place of the value.
        index: usize,
    },
    /// The vocabulary is of another network.
    #[error("vocabulary line {line} {problem}; use the vocab.txt beside the weights")]
    Vocabulary {
        /// Line, counted from one.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The package would not fit where it is meant to go.
    #[error("the package has {found} bytes, at most {MAX_BYTES} are allowed; shorten the vocabulary's entries")]
    PackageTooLarge {
        /// Its bytes.
        found: usize,
    },
    /// The package does not open.
    #[error("the package does not open: {0}")]
    Package(#[from] EncoderError),
}

/// Makes a package from the bytes of `model.safetensors` and the text of `vocab.txt` of all-MiniLM-L6-v2. Takes
/// some tens of seconds, most of them for the static table.
///
/// # Errors
/// See [`QuantiseError`].
pub fn quantise(safetensors: &[u8], vocabulary: &str) -> Result<Vec<u8>, QuantiseError> {
    within("weights", safetensors.len(), MAX_WEIGHT_BYTES)?;
    within("vocabulary entries", vocabulary.len(), MAX_VOCABULARY_BYTES)?;
    let published = Published { tensors: SafeTensors::deserialize(safetensors)?, vocabulary: entries(vocabulary)? };

    let without_table = assemble(|section| match section {
        Section::GlanceRows => Ok(vec![0; VOCABULARY * GLANCE]),
        Section::GlanceScales => Ok(vec![0; VOCABULARY * 4]),
        _ => published.section(section),
    })?;
    let table = distil(&Encoder::from_bytes(without_table)?);
    let package = assemble(|section| match section {
        Section::GlanceRows => Ok(cast_slice(&table.rows).to_vec()),
        Section::GlanceScales => Ok(little_endian(&table.scales)),
        _ => published.section(section),
    })?;
    if package.len() > MAX_BYTES {
        return Err(QuantiseError::PackageTooLarge { found: package.len() });
    }
    Ok(package)
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), QuantiseError> {
    if found > limit {
        return Err(QuantiseError::TooLarge { what, found, limit });
    }
    Ok(())
}

fn entries(vocabulary: &str) -> Result<Vec<&str>, QuantiseError> {
    let entries: Vec<&str> = vocabulary.lines().collect();
    let wrong = |id: usize, problem: String| QuantiseError::Vocabulary { line: id + 1, problem };
    if entries.len() != VOCABULARY {
        return Err(wrong(entries.len(), format!("is the end, expected {VOCABULARY} lines")));
    }
    if let Some(id) = entries.iter().position(|entry| entry.is_empty() || entry.len() > LONGEST_ENTRY) {
        return Err(wrong(id, format!("has {} bytes, expected 1 to {LONGEST_ENTRY}", entries[id].len())));
    }
    for (literal, id) in SPECIAL {
        if entries[usize::from(id)] != literal {
            return Err(wrong(usize::from(id), format!("is not {literal}")));
        }
    }
    Ok(entries)
}

/// The network as it was published.
struct Published<'input> {
    tensors: SafeTensors<'input>,
    vocabulary: Vec<&'input str>,
}

impl Published<'_> {
    fn section(&self, section: Section) -> Result<Vec<u8>, QuantiseError> {
        match section {
            Section::VocabularyText => Ok(self.table()?.text),
            Section::VocabularyOffsets => Ok(little_endian(&self.table()?.offsets)),
            Section::VocabularySlots => Ok(little_endian(&self.table()?.slots)),
            Section::WordRows => Ok(self.words()?.iter().flat_map(|(row, _)| cast_slice(row)).copied().collect()),
            Section::WordScales => Ok(self.words()?.iter().flat_map(|(_, scale)| scale.to_le_bytes()).collect()),
            Section::Positions => Ok(little_endian(&self.positions()?)),
            Section::EmbeddingNorm => self.norm("embeddings.LayerNorm"),
            Section::Norm { layer, site: NormSite::Attention } => {
                self.norm(&format!("encoder.layer.{layer}.attention.output.LayerNorm"))
            }
            Section::Norm { layer, site: NormSite::Output } => {
                self.norm(&format!("encoder.layer.{layer}.output.LayerNorm"))
            }
            Section::Dense { layer, block, part: Part::Biases } => {
                Ok(little_endian(&self.stacked(layer, block, "bias")?))
            }
            Section::Dense { layer, block, part } => {
                let weights = self.stacked(layer, block, "weight")?;
                Ok(dense(&weights, block.inputs(), part))
            }
            Section::GlanceRows | Section::GlanceScales => Ok(Vec::new()),
        }
    }

    fn table(&self) -> Result<Table, QuantiseError> {
        tabulate(&self.vocabulary)
            .map_err(|id| QuantiseError::Vocabulary { line: id + 1, problem: "finds no slot in the table".into() })
    }

    fn words(&self) -> Result<Vec<(Vec<i8>, f32)>, QuantiseError> {
        let words = self.tensor("embeddings.word_embeddings.weight", &[VOCABULARY, HIDDEN])?;
        Ok(words.chunks_exact(HIDDEN).map(to_bytes).collect())
    }

    fn positions(&self) -> Result<Vec<f32>, QuantiseError> {
        let positions = self.tensor("embeddings.position_embeddings.weight", &[PUBLISHED_POSITIONS, HIDDEN])?;
        let types = self.tensor("embeddings.token_type_embeddings.weight", &[TOKEN_TYPES, HIDDEN])?;
        let first_type = types[..HIDDEN].iter().cycle();
        Ok(positions.iter().take(MAX_TOKENS * HIDDEN).zip(first_type).map(|(position, kind)| position + kind).collect())
    }

    fn norm(&self, name: &str) -> Result<Vec<u8>, QuantiseError> {
        let mut norm = self.tensor(&format!("{name}.weight"), &[HIDDEN])?;
        norm.extend(self.tensor(&format!("{name}.bias"), &[HIDDEN])?);
        Ok(little_endian(&norm))
    }

    /// A dense block's `weight` or `bias`: those of queries, keys and values one below the other.
    fn stacked(&self, layer: usize, block: Block, kind: &str) -> Result<Vec<f32>, QuantiseError> {
        let names: &[&str] = match block {
            Block::AttentionInput => &["attention.self.query", "attention.self.key", "attention.self.value"],
            Block::AttentionOutput => &["attention.output.dense"],
            Block::FeedForwardInput => &["intermediate.dense"],
            Block::FeedForwardOutput => &["output.dense"],
        };
        let outputs = block.outputs() / names.len();
        let shape = if kind == "bias" { vec![outputs] } else { vec![outputs, block.inputs()] };
        let mut stacked = Vec::with_capacity(block.outputs() * block.inputs());
        for name in names {
            stacked.extend(self.tensor(&format!("encoder.layer.{layer}.{name}.{kind}"), &shape)?);
        }
        Ok(stacked)
    }

    fn tensor(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, QuantiseError> {
        let tensor = self.tensors.tensor(name)?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != expected {
            return Err(QuantiseError::Tensor {
                name: name.to_owned(),
                found: format!("{:?} of shape {:?}", tensor.dtype(), tensor.shape()),
                expected: expected.to_vec(),
            });
        }
        let values: Vec<f32> = tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(QuantiseError::NotFinite { name: name.to_owned(), index });
        }
        Ok(values)
    }
}

/// One part of a dense block, from its weights in rows of `inputs`.
pub(crate) fn dense(weights: &[f32], inputs: usize, part: Part) -> Vec<u8> {
    let rows: Vec<(Vec<i8>, f32)> = weights.chunks_exact(inputs).map(to_bytes).collect();
    match part {
        Part::Weights => pack(&rows, inputs),
        Part::Sums => {
            let sum = |row: &[i8]| row.iter().map(|&weight| i32::from(weight)).sum::<i32>();
            rows.iter().flat_map(|(row, _)| sum(row).to_le_bytes()).collect()
        }
        Part::Scales | Part::Biases => rows.iter().flat_map(|(_, scale)| scale.to_le_bytes()).collect(),
    }
}

/// Rows of weights in the order the kernels read them, see [`crate::kernel`].
pub(crate) fn pack(rows: &[(Vec<i8>, f32)], inputs: usize) -> Vec<u8> {
    let mut packed = Vec::with_capacity(rows.len() * inputs);
    for panel in rows.chunks_exact(PANEL) {
        for group in (0..inputs).step_by(GROUP) {
            for (row, _) in panel {
                packed.extend_from_slice(cast_slice(&row[group..group + GROUP]));
            }
        }
    }
    packed
}

/// The numbers' bytes. Packages are little-endian, and so is every machine this crate compiles for.
fn little_endian<N: bytemuck::NoUninit>(numbers: &[N]) -> Vec<u8> {
    cast_slice(numbers).to_vec()
}
