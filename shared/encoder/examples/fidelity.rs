//! How near the bytes come to the published floats: `fidelity <package> <model directory> <file> [sentences]`.
//!
//! The reference is the plain network in f32, computed here from `model.safetensors`; each line of the file is a sentence.

use std::{collections::BTreeMap, env, fs, io::Write, path::Path};

use anyhow::Context;
use romashka_encoder::{Encoder, HIDDEN, Scratch};
use safetensors::{Dtype, SafeTensors};

const LAYERS: usize = 6;
const HEADS: usize = 12;
const WIDTH: usize = HIDDEN / HEADS;
const FEED_FORWARD: usize = 1536;
const MIDDLE: usize = 3;
const WANTED: f64 = 0.99;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let usage = "usage: fidelity <package> <model directory> <file> [sentences]";
    let [package, directory, file, ..] = &arguments[..] else { anyhow::bail!(usage) };
    let most: usize = arguments.get(3).map_or(Ok(10_000), |number| number.parse())?;
    let encoder = Encoder::open(package.as_ref())?;
    let reference = Reference::read(&fs::read(Path::new(directory).join("model.safetensors"))?)?;
    let text = fs::read_to_string(file)?;

    let mut scratch = Scratch::default();
    let (mut sentences, mut middles) = (Vec::new(), Vec::new());
    for line in text.lines().take(most) {
        let tokens = encoder.tokens(line);
        let expected = reference.encode(tokens.ids());
        let ours = encoder.encode(&[tokens], &mut scratch).pop().context("an encoding per sentence")?;
        sentences.push(cosine(&ours.sentence, &expected[1]));
        middles.push(cosine(&ours.middle, &expected[0]));
    }
    let mut out = std::io::stdout().lock();
    for (name, cosines) in [("sentence", &sentences), ("middle", &middles)] {
        let least = cosines.iter().copied().fold(1.0, f64::min);
        let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
        let share = cosines.iter().filter(|&&cosine| cosine >= WANTED).count() as f64 / cosines.len() as f64;
        writeln!(
            out,
            "{name}: {} texts, cosine min {least:.5}, mean {mean:.5}, share ≥ {WANTED}: {share:.5}",
            cosines.len()
        )?;
    }
    Ok(())
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(&left, &right)| f64::from(left) * f64::from(right)).sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

/// The published network.
struct Reference {
    tensors: BTreeMap<String, Vec<f32>>,
}

impl Reference {
    /// Matrices of the layers are turned, so that neighbouring outputs lie side by side.
    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, tensor) in SafeTensors::deserialize(bytes)?.iter() {
            if tensor.dtype() != Dtype::F32 {
                continue;
            }
            let values: Vec<f32> = tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            let values = match *tensor.shape() {
                [outputs, inputs] if name.contains(".layer.") => {
                    (0..inputs * outputs).map(|at| values[at % outputs * inputs + at / outputs]).collect()
                }
                _ => values,
            };
            tensors.insert(name.to_owned(), values);
        }
        Ok(Self { tensors })
    }

    /// Means over the tokens after the middle layer and after the last.
    fn encode(&self, ids: &[u16]) -> [Vec<f32>; 2] {
        let words = self.get("embeddings.word_embeddings.weight");
        let positions = self.get("embeddings.position_embeddings.weight");
        let kind = &self.get("embeddings.token_type_embeddings.weight")[..HIDDEN];
        let mut hidden = Vec::new();
        for (position, &id) in ids.iter().enumerate() {
            let (word, place) = (&words[usize::from(id) * HIDDEN..], &positions[position * HIDDEN..]);
            hidden.extend((0..HIDDEN).map(|index| word[index] + place[index] + kind[index]));
        }
        self.normalise(&mut hidden, "embeddings.LayerNorm");
        let mut middle = Vec::new();
        for layer in 0..LAYERS {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let [queries, keys, values] = ["query", "key", "value"]
                .map(|kind| self.dense(&hidden, HIDDEN, HIDDEN, &name(&format!("attention.self.{kind}"))));
            let mixed = attend(&queries, &keys, &values);
            add(&mut hidden, &self.dense(&mixed, HIDDEN, HIDDEN, &name("attention.output.dense")));
            self.normalise(&mut hidden, &name("attention.output.LayerNorm"));
            let mut wide = self.dense(&hidden, HIDDEN, FEED_FORWARD, &name("intermediate.dense"));
            wide.iter_mut().for_each(|value| *value *= 0.5 * (1.0 + libm::erff(*value / 2f32.sqrt())));
            add(&mut hidden, &self.dense(&wide, FEED_FORWARD, HIDDEN, &name("output.dense")));
            self.normalise(&mut hidden, &name("output.LayerNorm"));
            if layer + 1 == MIDDLE {
                middle = sum(&hidden);
            }
        }
        [middle, sum(&hidden)]
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.tensors[name]
    }

    fn dense(&self, rows: &[f32], inputs: usize, outputs: usize, name: &str) -> Vec<f32> {
        let (weights, biases) = (self.get(&format!("{name}.weight")), self.get(&format!("{name}.bias")));
        let mut result = Vec::with_capacity(rows.len() / inputs * outputs);
        for row in rows.chunks_exact(inputs) {
            let mut sums = biases.to_vec();
            for (value, weights) in row.iter().zip(weights.chunks_exact(outputs)) {
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
            }
            result.extend(sums);
        }
        result
    }

    fn normalise(&self, rows: &mut [f32], name: &str) {
        let (gains, biases) = (self.get(&format!("{name}.weight")), self.get(&format!("{name}.bias")));
        for row in rows.chunks_exact_mut(HIDDEN) {
            let mean = row.iter().sum::<f32>() / HIDDEN as f32;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / HIDDEN as f32;
            for (index, value) in row.iter_mut().enumerate() {
                *value = (*value - mean) / (variance + 1e-12).sqrt() * gains[index] + biases[index];
            }
        }
    }
}

fn attend(queries: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
    let mut mixed = vec![0.0; queries.len()];
    for (query, mixed) in queries.chunks_exact(HIDDEN).zip(mixed.chunks_exact_mut(HIDDEN)) {
        for head in (0..HIDDEN).step_by(WIDTH) {
            let score = |key: &[f32]| {
                let dot: f32 = (head..head + WIDTH).map(|index| query[index] * key[index]).sum();
                dot / (WIDTH as f32).sqrt()
            };
            let scores: Vec<f32> = keys.chunks_exact(HIDDEN).map(score).collect();
            let largest = scores.iter().copied().fold(f32::MIN, f32::max);
            let shares: Vec<f32> = scores.iter().map(|score| libm::expf(score - largest)).collect();
            let whole: f32 = shares.iter().sum();
            for (share, value) in shares.iter().zip(values.chunks_exact(HIDDEN)) {
                (head..head + WIDTH).for_each(|index| mixed[index] += share / whole * value[index]);
            }
        }
    }
    mixed
}

fn add(rows: &mut [f32], change: &[f32]) {
    rows.iter_mut().zip(change).for_each(|(value, change)| *value += change);
}

fn sum(rows: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; HIDDEN];
    rows.chunks_exact(HIDDEN).for_each(|row| add(&mut sum, row));
    sum
}
