//! Clusters labelled messages without their labels and measures what was found against them.
//!
//! ```text
//! cargo run --release -p romashka-learning --example clusters -- utterances.jsonl
//! ```
//!
//! Each line is an object with `utterance` and `intent`; where the name ends in `.csv`, the file has `text,category`.
//! Beside the clusters stands k-means, to which the true number is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    time::Instant,
};

use anyhow::{Context, bail};
use romashka_learning::{
    ContentHash,
    clusters::cluster,
    embedding::{DIMENSIONS, Embedding},
};
use serde::Deserialize;

mod published;

const RESTARTS: u64 = 10;
const ROUNDS: usize = 50;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path] = arguments.as_slice() else { bail!("usage: clusters <utterances.jsonl>") };
    let messages = read(path)?;
    let labels: Vec<usize> = messages.values().map(|(label, _)| *label).collect();
    let points: Vec<(ContentHash, Embedding)> =
        messages.iter().map(|(content, (_, embedding))| (*content, embedding.clone())).collect();
    let intents = labels.iter().collect::<BTreeSet<_>>().len();

    let start = Instant::now();
    let found = cluster(&points)?;
    let elapsed = start.elapsed();
    let place: BTreeMap<ContentHash, usize> = found
        .clusters
        .iter()
        .zip(1..)
        .flat_map(|(cluster, number)| cluster.members.iter().map(move |member| (*member, number)))
        .collect();
    // The rest counts as one cluster: leaving it out would flatter.
    let assigned: Vec<usize> = messages.keys().map(|content| place.get(content).copied().unwrap_or(0)).collect();
    let placed: Vec<(usize, usize)> =
        assigned.iter().copied().zip(labels.iter().copied()).filter(|it| it.0 > 0).collect();
    let (placed, placed_labels): (Vec<usize>, Vec<usize>) = placed.into_iter().unzip();

    let mut out = std::io::stdout().lock();
    writeln!(out, "messages   {} distinct of {intents} intents", points.len())?;
    writeln!(out, "found      {} clusters and {} left over in {elapsed:.2?}", found.clusters.len(), found.rest.len())?;
    writeln!(out, "all        {}", agreement(&assigned, &labels))?;
    writeln!(out, "in cluster {}", agreement(&placed, &placed_labels))?;
    let told = k_means(&points.iter().map(|(_, embedding)| embedding.to_vector()).collect::<Vec<_>>(), intents);
    writeln!(out, "k-means    {} told the number", agreement(&told, &labels))?;
    Ok(())
}

fn read(path: &str) -> anyhow::Result<BTreeMap<ContentHash, (usize, Embedding)>> {
    let rows = if path.ends_with(".csv") { published::csv(Path::new(path))? } else { utterances(path)? };
    let mut numbers = BTreeMap::new();
    let mut messages = BTreeMap::new();
    for (text, label) in published::encoded(&published::encoder()?, &rows) {
        let next = numbers.len();
        let number = *numbers.entry(label).or_insert(next);
        let embedding = text.embedding.context("a text without an embedding")?;
        messages.insert(ContentHash::of(&text.text, None), (number, embedding));
    }
    Ok(messages)
}

fn utterances(path: &str) -> anyhow::Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Utterance {
        utterance: String,
        intent: String,
    }
    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    let lines = text.lines().map(|line| {
        let Utterance { utterance, intent } = serde_json::from_str(line)?;
        Ok((utterance, intent))
    });
    lines.collect()
}

fn agreement(found: &[usize], labels: &[usize]) -> String {
    format!("NMI {:.4}  accuracy {:.4}", mutual_information(found, labels), one_to_one_accuracy(found, labels))
}

/// Mutual information divided by the arithmetic mean of the two entropies (Strehl & Ghosh 2002).
fn mutual_information(found: &[usize], labels: &[usize]) -> f64 {
    let count = found.len() as f64;
    let tally = |keys: &mut dyn Iterator<Item = (usize, usize)>| {
        let mut tally: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        keys.for_each(|key| *tally.entry(key).or_default() += 1.0);
        tally
    };
    let entropy =
        |tally: &BTreeMap<(usize, usize), f64>| tally.values().map(|n| -n / count * (n / count).ln()).sum::<f64>();
    let joint = entropy(&tally(&mut found.iter().copied().zip(labels.iter().copied())));
    let found = entropy(&tally(&mut found.iter().map(|&key| (key, 0))));
    let labels = entropy(&tally(&mut labels.iter().map(|&key| (key, 0))));
    2.0 * (found + labels - joint) / (found + labels)
}

/// Share of messages that are right when each cluster stands for at most one intent, at the best such pairing: Kuhn's
/// Hungarian method with potentials, one row at a time, O(n³).
fn one_to_one_accuracy(found: &[usize], labels: &[usize]) -> f64 {
    let size = 1 + found.iter().chain(labels).max().copied().unwrap_or(0);
    let mut together = vec![vec![0_i64; size]; size];
    found.iter().zip(labels).for_each(|(&found, &label)| together[found][label] += 1);
    let (mut row_potential, mut column_potential) = (vec![0; size + 1], vec![0; size + 1]);
    // Position 0 stands for "none" and rows and columns count from 1.
    let mut row_of = vec![0; size + 1];
    for row in 1..=size {
        let mut slack = vec![i64::MAX; size + 1];
        let mut before = vec![0; size + 1];
        let mut reached = vec![false; size + 1];
        row_of[0] = row;
        let mut column = 0;
        while row_of[column] != 0 {
            reached[column] = true;
            let (from, mut step, mut next) = (row_of[column], i64::MAX, 0);
            for to in (1..=size).filter(|&to| !reached[to]) {
                let cost = -together[from - 1][to - 1] - row_potential[from] - column_potential[to];
                if cost < slack[to] {
                    (slack[to], before[to]) = (cost, column);
                }
                if slack[to] < step {
                    (step, next) = (slack[to], to);
                }
            }
            for to in 0..=size {
                if reached[to] {
                    row_potential[row_of[to]] += step;
                    column_potential[to] -= step;
                } else if to > 0 {
                    slack[to] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let right: i64 = (1..=size).map(|column| together[row_of[column] - 1][column - 1]).sum();
    right as f64 / found.len() as f64
}

/// Lloyd's method from k-means++ centres (Arthur & Vassilvitskii 2007), the best of [`RESTARTS`].
fn k_means(points: &[[f32; DIMENSIONS]], k: usize) -> Vec<usize> {
    let runs = (0..RESTARTS).map(|seed| {
        let mut centres = first_centres(points, k, seed);
        let mut assigned = vec![0; points.len()];
        let mut distortion = 0.0;
        for _ in 0..ROUNDS {
            distortion = 0.0;
            let mut sums = vec![([0.0_f32; DIMENSIONS], 0.0_f32); k];
            for (point, place) in points.iter().zip(&mut assigned) {
                let distances = centres.iter().map(|centre| squared_distance(point, centre)).enumerate();
                let (nearest, distance) = distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
                *place = nearest;
                distortion += f64::from(distance);
                sums[nearest].0.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
                sums[nearest].1 += 1.0;
            }
            let moved: Vec<_> = centres
                .iter()
                .zip(&sums)
                .map(|(centre, (sum, size))| if *size > 0.0 { sum.map(|value| value / size) } else { *centre })
                .collect();
            if moved == centres {
                break;
            }
            centres = moved;
        }
        (distortion, assigned)
    });
    runs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, assigned)| assigned).unwrap_or_default()
}

fn first_centres(points: &[[f32; DIMENSIONS]], k: usize, seed: u64) -> Vec<[f32; DIMENSIONS]> {
    let mut random = seed;
    let mut uniform = || {
        // A 64-bit linear congruential generator (Knuth's MMIX constants), its upper bits.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut centres = vec![points[(uniform() * points.len() as f64) as usize]];
    let mut distances = vec![f32::INFINITY; points.len()];
    while centres.len() < k {
        let newest = centres[centres.len() - 1];
        for (distance, point) in distances.iter_mut().zip(points) {
            *distance = distance.min(squared_distance(point, &newest));
        }
        let mut left = uniform() * distances.iter().map(|&distance| f64::from(distance)).sum::<f64>();
        let chosen = distances.iter().position(|&distance| {
            left -= f64::from(distance);
            left <= 0.0
        });
        centres.push(points[chosen.unwrap_or(points.len() - 1)]);
    }
    centres
}

fn squared_distance(left: &[f32; DIMENSIONS], right: &[f32; DIMENSIONS]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left.chunks_exact(LANES).zip(right.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += (left[lane] - right[lane]) * (left[lane] - right[lane]);
        }
    }
    sums.iter().sum()
}
