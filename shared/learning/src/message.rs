//! A message being answered, and what is known of it so far.
//!
//! The encoder costs milliseconds and half of all messages do not need it, so a message is encoded when somebody first
//! asks for its meaning, and once for all who ask.

use std::cell::OnceCell;

use romashka_encoder::{Encoder, Encoding, Scratch, Tokens};

use crate::{
    content::normalise,
    embedding::{Embedding, GLANCE_DIMENSIONS, Meaning},
    features::{FeatureCounts, extract_normalised},
};

/// A message and an encoder that may read it.
pub struct Message<'encoder> {
    text: String,
    features: FeatureCounts,
    reader: Option<Reader<'encoder>>,
    encoding: OnceCell<Option<Encoding>>,
}

struct Reader<'encoder> {
    encoder: &'encoder Encoder,
    tokens: Tokens,
}

impl<'encoder> Message<'encoder> {
    /// Takes a message up; nothing is encoded yet.
    #[must_use]
    pub fn new(text: &str, encoder: Option<&'encoder Encoder>) -> Self {
        let text = normalise(text);
        let reader = encoder.map(|encoder| Reader { encoder, tokens: encoder.tokens(&text) });
        Self { features: extract_normalised(&text), text, reader, encoding: OnceCell::new() }
    }

    /// The normalised text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its n-grams.
    #[must_use]
    pub const fn features(&self) -> &FeatureCounts {
        &self.features
    }

    /// Identity of the encoder.
    #[must_use]
    pub fn encoder(&self) -> Option<&str> {
        self.reader.as_ref().map(|reader| reader.encoder.id())
    }

    /// The static embedding: microseconds.
    #[must_use]
    pub fn glance(&self) -> Option<Embedding<GLANCE_DIMENSIONS>> {
        let reader = self.reader.as_ref()?;
        Some(Embedding::of(&reader.encoder.glance(&reader.tokens)))
    }

    /// What the encoder makes of it: milliseconds, the first time.
    #[must_use]
    pub fn encoding(&self) -> Option<&Encoding> {
        let encode = || {
            let reader = self.reader.as_ref()?;
            reader.encoder.encode(std::slice::from_ref(&reader.tokens), &mut Scratch::default()).into_iter().next()
        };
        self.encoding.get_or_init(encode).as_ref()
    }

    /// The encoding, if somebody has asked for it before.
    #[must_use]
    pub fn encoding_so_far(&self) -> Option<&Encoding> {
        self.encoding.get()?.as_ref()
    }

    /// The encoding as a model takes it.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        let encoding = self.encoding()?;
        Some(Meaning {
            glance: self.glance()?,
            sentence: Embedding::of(&encoding.sentence),
            middle: Embedding::of(&encoding.middle),
        })
    }
}
