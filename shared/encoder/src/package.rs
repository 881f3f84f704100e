//! The file an encoder is opened from.
//!
//! Everything in it lies ready for use, so opening it reads the header and the table of contents and nothing else.
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic `ROMASHKA` |
//! | 8..12 | format version, `u32` |
//! | 12..16 | number of sections, `u32` |
//! | 16..24 | length of the package in bytes, `u64` |
//! | 24..32 | zero |
//! | 32..64 | SHA-256 of all other bytes of the package: its identity |
//! | 64.. | table of contents: offset and length in bytes of each section, two `u64`; a section is known by its place |
//! | … | the sections, each starting on a multiple of 64, in the order of the table, zeros between them |
//!
//! The sections:
//!
//! | section | content |
//! |---|---|
//! | vocabulary text | the entries in order of id, nothing between them |
//! | vocabulary offsets | 30,523 `u32`: where each entry starts, and the end |
//! | vocabulary slots | 65,536 `u16`: an open-addressed hash table of ids, see module `vocabulary` |
//! | word rows, word scales | 30,522 × 384 `i8` and a scale `f32` per row |
//! | positions | 256 × 384 `f32`, the embedding of token type 0 added |
//! | embedding norm | 384 gains, 384 biases, `f32` |
//! | glance rows, glance scales | 30,522 × 256 `i8` and a scale `f32` per row: the static table |
//! | per layer and dense block | weights `i8` packed for the kernels (see module `kernel`), a scale `f32`, the sum of weights `i32` and a bias `f32` per output |
//! | per layer | attention norm and output norm, each 384 gains and 384 biases, `f32` |

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::{
    architecture::{Block, GLANCE, HIDDEN, LAYERS, MAX_TOKENS, VOCABULARY},
    bytes::{ALIGNMENT, Bytes},
    vocabulary::{LONGEST_ENTRY, SLOTS},
};

/// Largest package, in bytes: what an answering function may carry.
pub const MAX_BYTES: usize = 32_000_000;
/// Changes whenever the layout does, or the arithmetic that reads it.
pub const FORMAT_VERSION: u32 = 2;

const MAGIC: &[u8; 8] = b"ROMASHKA";
const DIGEST: Range<usize> = 32..64;
const TABLE: usize = 64;
const TABLE_ENTRY: usize = 16;
/// Sections before those of the layers.
const SHARED_SECTIONS: usize = 9;
const PARTS: usize = 4;
const LAYER_SECTIONS: usize = Block::ALL.len() * PARTS + 2;
const SECTIONS: usize = SHARED_SECTIONS + LAYERS * LAYER_SECTIONS;

/// Why bytes are not a package this version can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The file is something else.
    #[error("not an encoder package: it does not begin with the magic bytes; make one with the quantise step")]
    Magic,
    /// Made by another version of the quantise step.
    #[error(
        "encoder package has format version {found}, this program reads {FORMAT_VERSION}; quantise the weights again"
    )]
    Version {
        /// The version in the header.
        found: u32,
    },
    /// Cut short, or bytes were added.
    #[error("encoder package has {found} bytes where {expected} were promised; copy it again")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes the header or the limit speaks of.
        expected: u64,
    },
    /// The table of contents contradicts the network's sizes.
    #[error(
        "section {section} of the encoder package lies at byte {offset} with {length} bytes, which cannot be; quantise the weights again"
    )]
    Section {
        /// Place of the section in the table of contents.
        section: usize,
        /// Its offset in bytes.
        offset: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// The content is not what its identity says.
    #[error("encoder package has digest {found} where its header says {expected}; copy it again")]
    Digest {
        /// SHA-256 of the bytes there are, hex.
        found: String,
        /// SHA-256 in the header, hex.
        expected: String,
    },
}

/// What a dense block consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Weights,
    Scales,
    Sums,
    Biases,
}

/// Which of a layer's two layer norms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NormSite {
    Attention,
    Output,
}

/// A section of the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    VocabularyText,
    VocabularyOffsets,
    VocabularySlots,
    WordRows,
    WordScales,
    Positions,
    EmbeddingNorm,
    GlanceRows,
    GlanceScales,
    Dense { layer: usize, block: Block, part: Part },
    Norm { layer: usize, site: NormSite },
}

impl Section {
    /// All sections in the order of the table of contents.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let shared = [
            Self::VocabularyText,
            Self::VocabularyOffsets,
            Self::VocabularySlots,
            Self::WordRows,
            Self::WordScales,
            Self::Positions,
            Self::EmbeddingNorm,
            Self::GlanceRows,
            Self::GlanceScales,
        ];
        shared.into_iter().chain((0..LAYERS).flat_map(|layer| {
            let dense = Block::ALL.into_iter().flat_map(move |block| {
                [Part::Weights, Part::Scales, Part::Sums, Part::Biases].map(|part| Self::Dense { layer, block, part })
            });
            dense.chain([NormSite::Attention, NormSite::Output].map(|site| Self::Norm { layer, site }))
        }))
    }

    /// Place in the table of contents.
    fn place(self) -> usize {
        match self {
            Self::VocabularyText => 0,
            Self::VocabularyOffsets => 1,
            Self::VocabularySlots => 2,
            Self::WordRows => 3,
            Self::WordScales => 4,
            Self::Positions => 5,
            Self::EmbeddingNorm => 6,
            Self::GlanceRows => 7,
            Self::GlanceScales => 8,
            Self::Dense { layer, block, part } => {
                SHARED_SECTIONS + layer * LAYER_SECTIONS + block as usize * PARTS + part as usize
            }
            Self::Norm { layer, site } => {
                SHARED_SECTIONS + layer * LAYER_SECTIONS + Block::ALL.len() * PARTS + site as usize
            }
        }
    }

    /// Lengths in bytes the section may have.
    pub(crate) fn lengths(self) -> std::ops::RangeInclusive<usize> {
        let exactly = |length| length..=length;
        match self {
            Self::VocabularyText => 0..=VOCABULARY * LONGEST_ENTRY,
            Self::VocabularyOffsets => exactly((VOCABULARY + 1) * 4),
            Self::VocabularySlots => exactly(SLOTS * 2),
            Self::WordRows => exactly(VOCABULARY * HIDDEN),
            Self::WordScales | Self::GlanceScales => exactly(VOCABULARY * 4),
            Self::Positions => exactly(MAX_TOKENS * HIDDEN * 4),
            Self::EmbeddingNorm | Self::Norm { .. } => exactly(2 * HIDDEN * 4),
            Self::GlanceRows => exactly(VOCABULARY * GLANCE),
            Self::Dense { block, part: Part::Weights, .. } => exactly(block.inputs() * block.outputs()),
            Self::Dense { block, .. } => exactly(block.outputs() * 4),
        }
    }
}

/// A package whose table of contents was checked.
#[derive(Debug)]
pub(crate) struct Package {
    bytes: Bytes,
    sections: Vec<Range<usize>>,
    id: String,
}

impl Package {
    /// Checks header and table of contents; the content is taken on trust, see [`verify`].
    pub(crate) fn open(bytes: Bytes) -> Result<Self, PackageError> {
        let sections = table_of_contents(&bytes)?;
        let id = hex::encode(&bytes[DIGEST]);
        Ok(Self { bytes, sections, id })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn section(&self, section: Section) -> &[u8] {
        &self.bytes[self.sections[section.place()].clone()]
    }

    /// The section as numbers. Sections are aligned for every number there is, and their lengths were checked.
    pub(crate) fn numbers<N: bytemuck::AnyBitPattern>(&self, section: Section) -> &[N] {
        bytemuck::cast_slice(self.section(section))
    }
}

fn table_of_contents(bytes: &[u8]) -> Result<Vec<Range<usize>>, PackageError> {
    if bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(PackageError::Magic);
    }
    let found = bytes.len() as u64;
    let start = (TABLE + SECTIONS * TABLE_ENTRY) as u64;
    if found < start {
        return Err(PackageError::Length { found, expected: start });
    }
    let version = number_at(bytes, 8) as u32;
    if version != FORMAT_VERSION {
        return Err(PackageError::Version { found: version });
    }
    let promised = number_at(bytes, 16);
    if found != promised {
        return Err(PackageError::Length { found, expected: promised });
    }
    if bytes.len() > MAX_BYTES {
        return Err(PackageError::Length { found, expected: MAX_BYTES as u64 });
    }
    let mut end = start;
    let mut sections = Vec::with_capacity(SECTIONS);
    for (place, section) in Section::all().enumerate() {
        let offset = number_at(bytes, TABLE + place * TABLE_ENTRY);
        let length = number_at(bytes, TABLE + place * TABLE_ENTRY + 8);
        let wrong = PackageError::Section { section: place, offset, length };
        let fits = offset >= end && offset.is_multiple_of(ALIGNMENT as u64) && offset <= found;
        if !fits || length > found - offset || !section.lengths().contains(&(length as usize)) {
            return Err(wrong);
        }
        end = offset + length;
        sections.push(offset as usize..end as usize);
    }
    Ok(sections)
}

/// The eight bytes from `offset`, which the caller knows to be there.
fn number_at(bytes: &[u8], offset: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(number)
}

/// Checks that the content is what the header says it is. Takes tens of milliseconds: meant for set-up and
/// deployment, not for a cold start.
///
/// # Errors
/// What opening would refuse, and [`PackageError::Digest`].
pub fn verify(bytes: &[u8]) -> Result<(), PackageError> {
    table_of_contents(bytes)?;
    let found = digest(bytes);
    if found[..] == bytes[DIGEST] {
        return Ok(());
    }
    Err(PackageError::Digest { found: hex::encode(found), expected: hex::encode(&bytes[DIGEST]) })
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(&bytes[..DIGEST.start]);
    hasher.update(&bytes[DIGEST.end..]);
    hasher.finalize().into()
}

/// Lays out a package from the content of each section.
///
/// # Errors
/// The first error of `content`.
pub(crate) fn assemble<E>(mut content: impl FnMut(Section) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
    let mut bytes = vec![0; TABLE + SECTIONS * TABLE_ENTRY];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(SECTIONS as u32).to_le_bytes());
    for (place, section) in Section::all().enumerate() {
        let offset = bytes.len().next_multiple_of(ALIGNMENT);
        bytes.resize(offset, 0);
        bytes.extend_from_slice(&content(section)?);
        let length = bytes.len() - offset;
        let entry = TABLE + place * TABLE_ENTRY;
        bytes[entry..entry + 8].copy_from_slice(&(offset as u64).to_le_bytes());
        bytes[entry + 8..entry + 16].copy_from_slice(&(length as u64).to_le_bytes());
    }
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let digest = digest(&bytes);
    bytes[DIGEST].copy_from_slice(&digest);
    Ok(bytes)
}
