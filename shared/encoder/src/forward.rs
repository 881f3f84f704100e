//! The network itself: embeddings, six layers of attention and feed-forward blocks, mean pooling.
//!
//! Sentences are packed one after another without padding. Every step but attention works on one token at a time, and
//! attention on one sentence, so a sentence's result does not depend on its neighbours.

use crate::{
    Tokens,
    architecture::{Block, FEED_FORWARD, HEAD_WIDTH, HEADS, HIDDEN, LAYERS, MAX_TOKENS, MIDDLE_LAYER},
    arithmetic::{Grid, LANES, Norm, exponentials, gelu, normalise, quantise, to_unit_length},
    kernel::{
        Job,
        tile::{Activations, Dense, Lanes, apply},
    },
    package::{NormSite, Package, Part, Section},
};

/// Width of a token's queries, keys and values together.
const ATTENTION: usize = 3 * HIDDEN;

/// What the network makes of a sentence. Both vectors have length one.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The sentence embedding: the mean of the last layer over the tokens. Cosine is a dot product.
    pub sentence: [f32; HIDDEN],
    /// The mean of the third layer: less about the topic, more about the tone.
    pub middle: [f32; HIDDEN],
}

/// Room to work in, kept from one call to the next. Grows to at most 16 kB for each of the
/// [`PACKED_TOKENS`](crate::PACKED_TOKENS).
#[derive(Debug, Default)]
pub struct Scratch {
    hidden: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    bytes: Vec<u8>,
    grids: Vec<Grid>,
    heads: Vec<f32>,
}

impl Scratch {
    fn reserve(&mut self, tokens: usize) {
        self.hidden.resize(tokens * HIDDEN, 0.0);
        self.wide.resize(tokens * FEED_FORWARD, 0.0);
        self.narrow.resize(tokens * HIDDEN, 0.0);
        self.bytes.resize(tokens * FEED_FORWARD, 0);
        self.grids.resize(tokens, Grid::default());
        self.heads.resize((HEAD_WIDTH + 1) * MAX_TOKENS, 0.0);
    }
}

/// The sections of a package that the network reads.
struct Weights<'package> {
    word_rows: &'package [i8],
    word_scales: &'package [f32],
    positions: &'package [f32],
    embedding_norm: Norm<'package>,
    package: &'package Package,
}

struct Layer<'package> {
    attention_input: Dense<'package>,
    attention_output: Dense<'package>,
    attention_norm: Norm<'package>,
    feed_forward_input: Dense<'package>,
    feed_forward_output: Dense<'package>,
    output_norm: Norm<'package>,
}

impl<'package> Weights<'package> {
    fn of(package: &'package Package) -> Self {
        Self {
            word_rows: package.numbers(Section::WordRows),
            word_scales: package.numbers(Section::WordScales),
            positions: package.numbers(Section::Positions),
            embedding_norm: norm(package, Section::EmbeddingNorm),
            package,
        }
    }

    fn layer(&self, layer: usize) -> Layer<'package> {
        let package = self.package;
        let dense = |block| Dense {
            weights: package.numbers(Section::Dense { layer, block, part: Part::Weights }),
            scales: package.numbers(Section::Dense { layer, block, part: Part::Scales }),
            sums: package.numbers(Section::Dense { layer, block, part: Part::Sums }),
            biases: package.numbers(Section::Dense { layer, block, part: Part::Biases }),
        };
        Layer {
            attention_input: dense(Block::AttentionInput),
            attention_output: dense(Block::AttentionOutput),
            attention_norm: norm(package, Section::Norm { layer, site: NormSite::Attention }),
            feed_forward_input: dense(Block::FeedForwardInput),
            feed_forward_output: dense(Block::FeedForwardOutput),
            output_norm: norm(package, Section::Norm { layer, site: NormSite::Output }),
        }
    }
}

fn norm(package: &Package, section: Section) -> Norm<'_> {
    let (gains, biases) = package.numbers(section).split_at(HIDDEN);
    Norm { gains, biases }
}

/// One pass over packed sentences.
pub(crate) struct Forward<'call> {
    pub package: &'call Package,
    pub batch: &'call [Tokens],
    pub scratch: &'call mut Scratch,
}

impl Job for Forward<'_> {
    type Output = Vec<Encoding>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<Encoding> {
        let weights = Weights::of(self.package);
        let tokens: usize = self.batch.iter().map(|sentence| sentence.ids().len()).sum();
        self.scratch.reserve(tokens);
        let Scratch { hidden, wide, narrow, bytes, grids, heads } = self.scratch;

        embed(&weights, self.batch, hidden);
        let mut middle = Vec::new();
        for index in 0..LAYERS {
            let layer = weights.layer(index);
            let attention = &mut wide[..tokens * ATTENTION];
            through::<L>(&layer.attention_input, hidden, HIDDEN, bytes, grids, attention);
            attend(self.batch, attention, heads, narrow);
            // Queries, keys and values have served; their place takes the block's output.
            let change = &mut wide[..tokens * HIDDEN];
            through::<L>(&layer.attention_output, narrow, HIDDEN, bytes, grids, change);
            add_and_normalise(hidden, change, layer.attention_norm);

            through::<L>(&layer.feed_forward_input, hidden, HIDDEN, bytes, grids, wide);
            for value in wide.iter_mut() {
                *value = gelu(*value);
            }
            through::<L>(&layer.feed_forward_output, wide, FEED_FORWARD, bytes, grids, narrow);
            add_and_normalise(hidden, narrow, layer.output_norm);
            if index + 1 == MIDDLE_LAYER {
                middle = pool(self.batch, hidden);
            }
        }
        let pooled = pool(self.batch, hidden).into_iter().zip(middle);
        pooled.map(|(sentence, middle)| Encoding { sentence, middle }).collect()
    }
}

#[inline(always)]
fn embed(weights: &Weights<'_>, batch: &[Tokens], hidden: &mut [f32]) {
    let mut rows = hidden.chunks_exact_mut(HIDDEN);
    for sentence in batch {
        let positions = weights.positions.chunks_exact(HIDDEN);
        for ((&id, position), row) in sentence.ids().iter().zip(positions).zip(&mut rows) {
            let id = usize::from(id);
            let scale = weights.word_scales[id];
            let word = &weights.word_rows[id * HIDDEN..][..HIDDEN];
            for index in 0..HIDDEN {
                row[index] = f32::from(word[index]) * scale + position[index];
            }
            normalise(row, weights.embedding_norm);
        }
    }
}

/// A dense block: activations to bytes, bytes to outputs.
#[inline(always)]
fn through<L: Lanes>(
    dense: &Dense<'_>,
    activations: &[f32],
    inputs: usize,
    bytes: &mut [u8],
    grids: &mut [Grid],
    outputs: &mut [f32],
) {
    let rows = activations.chunks_exact(inputs).zip(bytes.chunks_exact_mut(inputs));
    for ((row, bytes), grid) in rows.zip(&mut *grids) {
        *grid = quantise(row, L::OFFSET, bytes);
    }
    apply::<L>(dense, Activations { inputs, bytes, grids }, outputs);
}

#[inline(always)]
fn add_and_normalise(hidden: &mut [f32], change: &[f32], norm: Norm<'_>) {
    for (row, change) in hidden.chunks_exact_mut(HIDDEN).zip(change.chunks_exact(HIDDEN)) {
        for index in 0..HIDDEN {
            row[index] += change[index];
        }
        normalise(row, norm);
    }
}

/// Scaled dot-product attention of twelve heads (Vaswani et al. 2017), each sentence on its own.
#[inline(always)]
fn attend(batch: &[Tokens], attention: &[f32], heads: &mut [f32], mixed: &mut [f32]) {
    let (keys, scores) = heads.split_at_mut(HEAD_WIDTH * MAX_TOKENS);
    let mut start = 0;
    for sentence in batch {
        let length = sentence.ids().len();
        let rows = &attention[start * ATTENTION..(start + length) * ATTENTION];
        let mixed = &mut mixed[start * HIDDEN..(start + length) * HIDDEN];
        for head in 0..HEADS {
            attend_head(rows, head * HEAD_WIDTH, keys, scores, mixed);
        }
        start += length;
    }
}

#[inline(always)]
fn attend_head(rows: &[f32], offset: usize, keys: &mut [f32], scores: &mut [f32], mixed: &mut [f32]) {
    let rows = rows.as_chunks::<ATTENTION>().0;
    let length = rows.len();
    let padded = length.next_multiple_of(LANES);
    // Keys lie crosswise, so that the scores of neighbouring tokens are neighbouring lanes.
    for (dimension, keys) in keys.chunks_exact_mut(padded).take(HEAD_WIDTH).enumerate() {
        for (key, row) in keys.iter_mut().zip(rows) {
            *key = row[HIDDEN + offset + dimension];
        }
        keys[length..].fill(0.0);
    }
    let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
    for (query, mixed) in rows.iter().zip(mixed.chunks_exact_mut(HIDDEN)) {
        let query = &query[offset..][..HEAD_WIDTH];
        for (group, scores) in scores[..padded].as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut sums = [0.0; LANES];
            for dimension in 0..HEAD_WIDTH {
                let keys = &keys[dimension * padded + group * LANES..][..LANES];
                for lane in 0..LANES {
                    sums[lane] += query[dimension] * keys[lane];
                }
            }
            for lane in 0..LANES {
                scores[lane] = sums[lane] * scale;
            }
        }
        let inverse = 1.0 / exponentials(scores, length);
        let scores = &scores[..length];
        for group in (0..HEAD_WIDTH).step_by(LANES) {
            let mut sums = [0.0; LANES];
            for token in 0..length {
                let share = scores[token];
                let values = &rows[token].as_chunks::<LANES>().0[(2 * HIDDEN + offset + group) / LANES];
                for lane in 0..LANES {
                    sums[lane] += share * values[lane];
                }
            }
            let mixed = &mut mixed[offset + group..][..LANES];
            for lane in 0..LANES {
                mixed[lane] = sums[lane] * inverse;
            }
        }
    }
}

/// The mean over each sentence's tokens, scaled to length one.
#[inline(always)]
fn pool(batch: &[Tokens], hidden: &[f32]) -> Vec<[f32; HIDDEN]> {
    let mut rows = hidden.as_chunks::<HIDDEN>().0.iter();
    let pool = |sentence: &Tokens| {
        let mut sum = [0.0; HIDDEN];
        for row in rows.by_ref().take(sentence.ids().len()) {
            for index in 0..HIDDEN {
                sum[index] += row[index];
            }
        }
        to_unit_length(&mut sum);
        sum
    };
    batch.iter().map(pool).collect()
}
