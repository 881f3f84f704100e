//! The static table: what the encoder makes of each token alone, so that a text can be judged by a mean of rows.
//!
//! After model2vec (Tulkens & van Dongen 2024): each token is encoded by itself, the vectors are centred and
//! projected to their principal components, and each row is weighed by how rare its token is, as a mean would
//! otherwise be of articles and commas (Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence
//! Embeddings").

use std::thread;

use crate::{
    Encoder, Scratch, Tokens,
    architecture::{GLANCE, HIDDEN, VOCABULARY},
    arithmetic::to_bytes,
    eigen,
};

/// Tokens encoded at a time.
const BATCH: usize = 128;

/// The two sections of the static table.
pub(crate) struct GlanceTable {
    /// [`VOCABULARY`] rows of [`GLANCE`].
    pub rows: Vec<i8>,
    /// What a unit of each row stands for, the weight of its token included.
    pub scales: Vec<f32>,
}

pub(crate) fn distil(encoder: &Encoder) -> GlanceTable {
    let centred = centred(encode_each_token(encoder));
    let components = eigen::leading(covariance(&centred), HIDDEN, GLANCE);
    let mut table = GlanceTable { rows: Vec::with_capacity(VOCABULARY * GLANCE), scales: Vec::new() };
    for (vector, weight) in centred.iter().zip(weights()) {
        let project = |component: &Vec<f64>| -> f32 {
            vector.iter().zip(component).map(|(value, axis)| value * axis).sum::<f64>() as f32
        };
        let projected: Vec<f32> = components.iter().map(project).collect();
        let (row, scale) = to_bytes(&projected);
        table.rows.extend(row);
        table.scales.push(scale * weight);
    }
    table
}

fn encode_each_token(encoder: &Encoder) -> Vec<[f32; HIDDEN]> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let share = VOCABULARY.div_ceil(threads);
    let encode = |first: usize| -> Vec<[f32; HIDDEN]> {
        let mut scratch = Scratch::default();
        let last = (first + share).min(VOCABULARY);
        let batches = (first..last).step_by(BATCH).flat_map(|start| {
            let batch: Vec<Tokens> = (start..last.min(start + BATCH)).map(|id| Tokens::of_one(id as u16)).collect();
            encoder.encode(&batch, &mut scratch)
        });
        batches.map(|encoding| encoding.sentence).collect()
    };
    thread::scope(|scope| {
        let shares: Vec<_> = (0..VOCABULARY).step_by(share).map(|first| scope.spawn(move || encode(first))).collect();
        shares.into_iter().flat_map(|share| share.join().unwrap_or_default()).collect()
    })
}

fn centred(vectors: Vec<[f32; HIDDEN]>) -> Vec<[f64; HIDDEN]> {
    let mut mean = [0.0; HIDDEN];
    for vector in &vectors {
        for (mean, &value) in mean.iter_mut().zip(vector) {
            *mean += f64::from(value);
        }
    }
    mean.iter_mut().for_each(|mean| *mean /= vectors.len() as f64);
    let centre = |vector: &[f32; HIDDEN]| std::array::from_fn(|index| f64::from(vector[index]) - mean[index]);
    vectors.iter().map(centre).collect()
}

/// Covariance times the number of vectors.
fn covariance(vectors: &[[f64; HIDDEN]]) -> Vec<f64> {
    let mut products = vec![0.0; HIDDEN * HIDDEN];
    for vector in vectors {
        for (row, &left) in products.chunks_exact_mut(HIDDEN).zip(vector) {
            for (product, &right) in row.iter_mut().zip(vector) {
                *product += left * right;
            }
        }
    }
    products
}

/// How much each token says: a / (a + p), where p is its frequency (Arora et al. 2017). BERT's vocabulary is ordered
/// by frequency, so an id is a rank and p follows Zipf's law.
///
/// On a split of Banking77's training rows (8,003 to learn from, 2,000 to judge, nearest centroid) this gives 75.3 %,
/// ln(1 + rank) 75.0 %, no weights 72.7 %; with ten rows per intent 67.7, 65.7 and 62.8 %.
fn weights() -> Vec<f32> {
    const SMOOTHING: f64 = 1e-4;
    let share = |id: usize| 1.0 / (id as f64 + 2.0);
    let whole: f64 = (0..VOCABULARY).map(share).sum();
    (0..VOCABULARY).map(|id| (SMOOTHING / (SMOOTHING + share(id) / whole)) as f32).collect()
}
