//! What an encoder says a text means: a point whose direction matters and whose length does not.
//!
//! Embeddings are kept as 8-bit multiples of one scale, which costs a quarter of the bytes and, at 384 dimensions, less
//! than a thousandth of the cosine. Dot products of 8-bit values are whole numbers, so they are the same on every machine.

use multiversion::multiversion;
use romashka_encoder::{Encoder, Scratch, Tokens};

/// Dimensions of an encoder's layer.
pub const DIMENSIONS: usize = romashka_encoder::HIDDEN;
/// Dimensions of a static embedding.
pub const GLANCE_DIMENSIONS: usize = romashka_encoder::GLANCE;

/// Texts that are encoded together.
const TOGETHER: usize = 32;

/// What an encoder makes of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// The static embedding, which costs microseconds.
    pub glance: Embedding<GLANCE_DIMENSIONS>,
    /// The sentence embedding: the encoder's last layer.
    pub sentence: Embedding,
    /// Its third layer, which is nearer to the words.
    pub middle: Embedding,
}

impl Meaning {
    /// What the encoder makes of texts, in their order.
    #[must_use]
    pub fn of(encoder: &Encoder, texts: &[&str]) -> Vec<Self> {
        let mut scratch = Scratch::default();
        let mut meanings = Vec::with_capacity(texts.len());
        for texts in texts.chunks(TOGETHER) {
            let tokens: Vec<Tokens> = texts.iter().map(|text| encoder.tokens(text)).collect();
            let encodings = encoder.encode(&tokens, &mut scratch);
            meanings.extend(tokens.iter().zip(encodings).map(|(tokens, encoding)| Self {
                glance: Embedding::of(&encoder.glance(tokens)),
                sentence: Embedding::of(&encoding.sentence),
                middle: Embedding::of(&encoding.middle),
            }));
        }
        meanings
    }
}

/// A text's embedding, 8 bits a dimension.
#[derive(Clone, PartialEq)]
pub struct Embedding<const N: usize = DIMENSIONS> {
    /// What one step of a value is worth; with it the vector has length one, or zero where nothing was said.
    scale: f32,
    values: [i8; N],
}

impl<const N: usize> Embedding<N> {
    /// Rounds a vector of any length to 8 bits and scales it to length one. A vector of zeros stays one.
    #[must_use]
    pub fn of(vector: &[f32; N]) -> Self {
        let greatest = vector.iter().fold(0.0_f32, |greatest, value| greatest.max(value.abs()));
        if !(greatest > 0.0 && greatest.is_finite()) {
            return Self { scale: 0.0, values: [0; N] };
        }
        let step = greatest / f32::from(i8::MAX);
        Self::from_values(vector.map(|value| (value / step).round() as i8))
    }

    /// The embedding in the direction of these values, as they were stored.
    #[must_use]
    pub fn from_values(values: [i8; N]) -> Self {
        let square = dot(&values, &values);
        let scale = if square == 0 { 0.0 } else { (1.0 / f64::from(square).sqrt()) as f32 };
        Self { scale, values }
    }

    /// The 8-bit values in hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.values.map(i8::cast_unsigned))
    }

    /// The embedding that [`Embedding::to_hex`] wrote; `None` for any other text.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut values = [0; N];
        hex::decode_to_slice(text, &mut values).ok()?;
        Some(Self::from_values(values.map(u8::cast_signed)))
    }

    /// The 8-bit values.
    #[must_use]
    pub const fn values(&self) -> &[i8; N] {
        &self.values
    }

    /// What one step of a value is worth.
    #[must_use]
    pub const fn scale(&self) -> f32 {
        self.scale
    }

    /// Whether the text said nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.scale == 0.0
    }

    /// Cosine of the angle between two embeddings, −1 to 1; 0 where one of them is zero.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        dot(&self.values, &other.values) as f32 * self.scale * other.scale
    }

    /// The vector of length one.
    #[must_use]
    pub fn to_vector(&self) -> [f32; N] {
        self.values.map(|value| f32::from(value) * self.scale)
    }
}

impl<const N: usize> AsRef<Self> for Embedding<N> {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<const N: usize> std::fmt::Debug for Embedding<N> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Embedding<{N}>({:?}, …)", self.values.first())
    }
}

/// At most 127² a dimension, far below the range of an `i32`.
#[multiversion(targets("x86_64+avx2"))]
fn dot<const N: usize>(left: &[i8; N], right: &[i8; N]) -> i32 {
    // A plain loop: the closures of iterators are not always compiled into the version for a processor.
    let mut sum = 0;
    for (left, right) in left.iter().zip(right) {
        sum += i32::from(*left) * i32::from(*right);
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(seed: u32) -> [f32; DIMENSIONS] {
        std::array::from_fn(|at| ((at as f32 + 1.0) * (seed as f32 + 1.0)).sin())
    }

    #[test]
    fn a_text_is_like_itself_and_unlike_its_opposite() {
        let embedding = Embedding::of(&vector(1));
        assert!((embedding.cosine(&embedding) - 1.0).abs() < 1e-6);
        let opposite = Embedding::of(&vector(1).map(|value| -value));
        assert!((embedding.cosine(&opposite) + 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_says_nothing_is_like_nothing() {
        let nothing = Embedding::of(&[0.0; DIMENSIONS]);
        assert!(nothing.is_zero());
        assert_eq!(nothing.cosine(&Embedding::of(&vector(1))), 0.0);
        assert!(Embedding::of(&[f32::NAN; DIMENSIONS]).is_zero());
    }

    proptest! {
        #[test]
        fn eight_bits_keep_the_direction(seed in 0_u32..10_000, length in 0.001_f32..1_000.0) {
            let original = vector(seed);
            let kept = Embedding::of(&original.map(|value| value * length)).to_vector();
            let dot: f32 = original.iter().zip(&kept).map(|(a, b)| a * b).sum();
            let norm = original.iter().map(|value| value * value).sum::<f32>().sqrt();
            prop_assert!(dot / norm > 0.9995);
        }

        #[test]
        fn stored_values_bring_the_same_embedding_back(seed in 0_u32..10_000) {
            let embedding = Embedding::of(&vector(seed));
            prop_assert_eq!(&Embedding::from_values(*embedding.values()), &embedding);
            prop_assert_eq!(Embedding::from_hex(&embedding.to_hex()), Some(embedding));
        }
    }
}
