//! Texts with labels and embeddings, as files: `<name>.tsv` in one folder holds a `text<TAB>label` a
//! line, `<name>.bin` in another four little-endian `f32` vectors of 384 for each, of which the first is read.

use std::path::Path;

use anyhow::{Context, ensure};
use romashka_learning::{
    embedding::{DIMENSIONS, Embedding},
    knowledge::Text,
};

const VECTORS_PER_LINE: usize = 4;

/// The texts of one file, each with its label.
pub fn read(texts: &Path, vectors: &Path, name: &str) -> anyhow::Result<Vec<(Text, String)>> {
    let (texts, vectors) = (texts.join(name).with_extension("tsv"), vectors.join(name).with_extension("bin"));
    let lines = std::fs::read_to_string(&texts).with_context(|| texts.display().to_string())?;
    let bytes = std::fs::read(&vectors).with_context(|| vectors.display().to_string())?;
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let (lines_of_numbers, _) = numbers.as_chunks::<{ DIMENSIONS * VECTORS_PER_LINE }>();
    ensure!(lines.lines().count() == lines_of_numbers.len(), "{name}: not one line of vectors per text");
    lines
        .lines()
        .zip(lines_of_numbers)
        .map(|(line, numbers)| {
            let (text, label) = line.rsplit_once('\t').with_context(|| format!("{name}: a line without a label"))?;
            let first = numbers.first_chunk().context("a line of vectors is shorter than one")?;
            Ok((Text { text: text.to_owned(), embedding: Some(Embedding::of(first)) }, label.to_owned()))
        })
        .collect()
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
