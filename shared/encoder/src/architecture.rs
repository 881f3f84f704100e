//! The sizes of the one network this crate runs: MiniLM with six layers (Wang et al. 2020, "MiniLM: Deep
//! Self-Attention Distillation"), a BERT encoder (Devlin et al. 2018).
//!
//! They are constants rather than parameters of a package: the loops over them then have known lengths, which is
//! worth a third of the time, and a package whose sections have other lengths is refused when it is opened.

/// Width of a token's vector between layers.
pub const HIDDEN: usize = 384;
/// Attention heads of a layer.
pub(crate) const HEADS: usize = 12;
/// Width of a head's queries, keys and values.
pub(crate) const HEAD_WIDTH: usize = HIDDEN / HEADS;
/// Width of the feed-forward block inside a layer.
pub(crate) const FEED_FORWARD: usize = 1536;
/// Layers of the network.
pub(crate) const LAYERS: usize = 6;
/// The layer, counted from one, whose output becomes [`Encoding::middle`](crate::Encoding::middle).
pub(crate) const MIDDLE_LAYER: usize = 3;
/// Entries of the vocabulary.
pub const VOCABULARY: usize = 30_522;
/// Most tokens of a text, `[CLS]` and `[SEP]` included. The network has 512 positions, but it was trained as a
/// sentence encoder on 256.
pub const MAX_TOKENS: usize = 256;
/// Width of the static embedding.
pub const GLANCE: usize = 256;

/// One of a layer's dense blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// Hidden state to queries, keys and values, side by side.
    AttentionInput,
    /// Mixed values of all heads to the hidden state.
    AttentionOutput,
    /// Hidden state to the feed-forward block.
    FeedForwardInput,
    /// Feed-forward block to the hidden state.
    FeedForwardOutput,
}

impl Block {
    pub(crate) const ALL: [Self; 4] =
        [Self::AttentionInput, Self::AttentionOutput, Self::FeedForwardInput, Self::FeedForwardOutput];

    /// Width of what goes in.
    pub(crate) const fn inputs(self) -> usize {
        match self {
            Self::AttentionInput | Self::AttentionOutput | Self::FeedForwardInput => HIDDEN,
            Self::FeedForwardOutput => FEED_FORWARD,
        }
    }

    /// Width of what comes out.
    pub(crate) const fn outputs(self) -> usize {
        match self {
            Self::AttentionInput => 3 * HIDDEN,
            Self::AttentionOutput | Self::FeedForwardOutput => HIDDEN,
            Self::FeedForwardInput => FEED_FORWARD,
        }
    }
}
