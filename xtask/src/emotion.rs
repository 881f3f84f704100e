//! `cargo xtask emotion`: learn the shipped emotion head from GoEmotions anew.
//!
//! The head is an asset of `shared/learning`, so that nobody needs the data or the encoder to build the product. This
//! is how it was made, and `--check` is how anybody can see that it was made so.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use romashka_learning::embedding::DIMENSIONS;
use romashka_learning::emotion::{Emotion, EmotionHead, EmotionSet, Encoding, Example, fit};
use romashka_learning::model_hash;

use crate::root;

/// Where the head lies in the repository.
const ASSET: &str = "shared/learning/assets/emotion.safetensors";

/// Texts that the encoder is given at a time.
const BATCH: usize = 32;

/// What the encoder says of a text: its sentence and its middle layer.
pub type Vectors = ([f32; DIMENSIONS], [f32; DIMENSIONS]);

/// What to do with the head that was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Replace the asset.
    Write,
    /// Compare it with the asset.
    Check,
}

/// A head that was learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learnt {
    /// Bytes of the stored head.
    pub bytes: usize,
    /// SHA-256 of them, in hexadecimal.
    pub hash: String,
    /// Whether the asset held the same bytes before.
    pub unchanged: bool,
}

/// Learns the head from `train.tsv` of a folder, calibrated on its `dev.tsv`; both have `text⇥emotions⇥id` as they are
/// published. `encode` is given some texts at a time.
///
/// # Errors
/// When a file is missing or a line is not as published, the encoder fails, or the asset cannot be written.
pub fn emotion(
    folder: &Path,
    purpose: Purpose,
    mut encode: impl FnMut(&[&str]) -> Result<Vec<Vectors>>,
) -> Result<Learnt> {
    let training = Comments::read(&folder.join("train.tsv"), &mut encode)?;
    let development = Comments::read(&folder.join("dev.tsv"), &mut encode)?;
    let bytes = fit(&training.examples(), &development.examples())?.to_bytes()?;
    let asset = root().join(ASSET);
    let unchanged = bytes == EmotionHead::shipped_bytes();
    if purpose == Purpose::Write {
        fs::write(&asset, &bytes).with_context(|| format!("write {}", asset.display()))?;
    }
    Ok(Learnt { bytes: bytes.len(), hash: model_hash(&bytes), unchanged })
}

/// Labelled comments and what the encoder says of them.
struct Comments {
    rows: Vec<(String, EmotionSet)>,
    vectors: Vec<Vectors>,
}

impl Comments {
    fn read(path: &Path, encode: &mut impl FnMut(&[&str]) -> Result<Vec<Vectors>>) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let rows = text
            .lines()
            .zip(1..)
            .map(|(line, number)| labelled(line).with_context(|| format!("{}, line {number}", path.display())))
            .collect::<Result<Vec<_>>>()?;
        let mut vectors = Vec::with_capacity(rows.len());
        for rows in rows.chunks(BATCH) {
            let texts: Vec<&str> = rows.iter().map(|(text, _)| text.as_str()).collect();
            let encoded = encode(&texts)?;
            ensure!(
                encoded.len() == texts.len(),
                "the encoder gave {} encodings for {} texts",
                encoded.len(),
                texts.len()
            );
            vectors.extend(encoded);
        }
        Ok(Self { rows, vectors })
    }

    fn examples(&self) -> Vec<Example<'_>> {
        let rows = self.rows.iter().zip(&self.vectors);
        rows.map(|((text, emotions), (sentence, middle))| Example {
            text,
            emotions: *emotions,
            encoding: Encoding { sentence, middle },
        })
        .collect()
    }
}

fn labelled(line: &str) -> Result<(String, EmotionSet)> {
    let mut columns = line.split('\t');
    let (text, numbers) = columns.next().zip(columns.next()).context("there is no second column")?;
    let emotions = numbers.split(',').map(|number| {
        let at: usize = number.parse().with_context(|| format!("`{number}` is no number of an emotion"))?;
        Emotion::ALL.get(at).copied().with_context(|| format!("there is no emotion {at}"))
    });
    // White space as the encoder and the n-grams see it: one space between words.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((text, emotions.collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_line_is_a_text_and_its_emotions() {
        let (text, emotions) = labelled("Thanks,  that was fun!\t1,15\tabc").unwrap();
        assert_eq!(text, "Thanks, that was fun!");
        assert!(emotions.iter().eq([Emotion::Amusement, Emotion::Gratitude]));
        assert!(labelled("no label").is_err());
        assert!(labelled("an emotion of tomorrow\t28").is_err());
    }
}
