//! Published files of labelled texts, read and encoded by the encoder that `ROMASHKA_ENCODER` names.

#![allow(dead_code, reason = "each example needs a part of it")]

use std::path::Path;

use anyhow::Context;
use romashka_encoder::{Encoder, Encoding, Scratch};
use romashka_learning::{Embedding, knowledge::Text};

/// Texts that are encoded at once.
const BATCH: usize = 64;

/// The encoder; these measurements make no sense without.
pub fn encoder() -> anyhow::Result<Encoder> {
    let path = std::env::var_os("ROMASHKA_ENCODER");
    let path = path.context("ROMASHKA_ENCODER is not set; `cargo xtask encoder` prints where the package is")?;
    Ok(Encoder::open(path.as_ref())?)
}

/// What the encoder makes of texts.
pub fn encode<'text>(encoder: &Encoder, texts: impl Iterator<Item = &'text str>) -> Vec<Encoding> {
    let mut scratch = Scratch::default();
    let tokens: Vec<_> = texts.map(|text| encoder.tokens(text)).collect();
    tokens.chunks(BATCH).flat_map(|batch| encoder.encode(batch, &mut scratch)).collect()
}

/// Texts with their labels, encoded.
pub fn encoded(encoder: &Encoder, rows: &[(String, String)]) -> Vec<(Text, String)> {
    let encodings = encode(encoder, rows.iter().map(|(text, _)| text.as_str()));
    let with = |((text, label), encoding): (&(String, String), Encoding)| {
        let text = Text { text: text.clone(), embedding: Some(Embedding::of(&encoding.sentence)) };
        (text, label.clone())
    };
    rows.iter().zip(encodings).map(with).collect()
}

/// The rows of a CSV file of `text,category`.
pub fn csv(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    csv::Reader::from_path(path)
        .with_context(|| path.display().to_string())?
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| path.display().to_string())
}

/// Puts items into an order that depends on nothing but the seed.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..items.len()).rev() {
        // A step of Knuth's linear congruential generator, of which the upper bits are good.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, ((state >> 33) % (at as u64 + 1)) as usize);
    }
}
