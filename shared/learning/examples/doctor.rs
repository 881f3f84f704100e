//! Examines labelled messages, then the same with one label in fifty drawn by lot, and measures what is found.
//!
//! ```text
//! cargo run --release -p romashka-learning --example doctor -- train.csv
//! ```
//!
//! The file is CSV of `text,category`. Last come the share of true neighbours that buckets find, and of
//! neighbours in bands of cosine the share that has the same label, which is what the threshold of a duplicate rests on.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    time::Instant,
};

use anyhow::bail;
use romashka_learning::{
    ContentHash,
    doctor::{Findings, NEIGHBOURS, Side, Specimen, examine},
    embedding::Embedding,
    neighbours::{Probes, nearest},
};

mod published;

/// One label in so many is changed.
const SPOILT: usize = 50;
/// Rows whose neighbours are sought by comparing them with every row.
const SOUGHT: usize = 500;

struct Message {
    text: ContentHash,
    words: String,
    label: String,
    embedding: Embedding,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path] = arguments.as_slice() else { bail!("usage: doctor <train.csv>") };
    let mut messages = read(path)?;
    let mut out = std::io::stdout().lock();

    let start = Instant::now();
    let findings = diagnose(&messages)?;
    writeln!(out, "{} rows examined in {:.2?}", findings.rows, start.elapsed())?;
    report(&mut out, &findings)?;
    recall(&mut out, &messages)?;

    let labels: Vec<String> = messages.iter().map(|it| it.label.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut spoilt = BTreeSet::new();
    for (at, message) in messages.iter_mut().enumerate().step_by(SPOILT) {
        let drawn = &labels[(at / SPOILT * 31 + 7) % labels.len()];
        if *drawn != message.label {
            message.label = drawn.clone();
            spoilt.insert(ContentHash::of(&message.words, Some(&message.label)).to_string());
        }
    }
    let findings = diagnose(&messages)?;
    let right = findings.suspects.listed.iter().filter(|suspect| spoilt.contains(&suspect.row.content)).count();
    let (listed, total) = (findings.suspects.listed.len(), findings.suspects.total);
    writeln!(
        out,
        "with {} labels drawn by lot: {total} suspects, {right} of the {listed} listed are among them",
        spoilt.len()
    )?;
    Ok(())
}

fn diagnose(messages: &[Message]) -> anyhow::Result<Findings> {
    let specimens: Vec<Specimen<'_>> = messages
        .iter()
        .enumerate()
        .map(|(at, message)| Specimen {
            text: message.text,
            content: ContentHash::of(&message.words, Some(&message.label)),
            label: &message.label,
            side: if at % 10 == 0 { Side::HeldOut } else { Side::Training },
            embedding: Some(&message.embedding),
        })
        .collect();
    Ok(examine(&specimens, &[])?)
}

fn report(out: &mut impl Write, findings: &Findings) -> std::io::Result<()> {
    writeln!(out, "  conflicts       {}", findings.label_conflicts.total)?;
    writeln!(out, "  near-duplicates {} pairs of labels", findings.near_duplicates.total)?;
    writeln!(
        out,
        "  leaks           {:?}",
        findings.leaks.as_ref().map(|leaks| (leaks.leaked.count, leaks.equal_texts))
    )?;
    writeln!(out, "  small intents   {}", findings.small_intents.total)?;
    writeln!(out, "  suspects        {}", findings.suspects.total)?;
    for merge in &findings.merges.listed {
        writeln!(
            out,
            "  merge           {} mixing {:.2} similarity {:.2}",
            merge.intents.join(" + "),
            merge.mixing,
            merge.similarity
        )?;
    }
    Ok(())
}

fn recall(out: &mut impl Write, messages: &[Message]) -> std::io::Result<()> {
    let points: Vec<&Embedding> = messages.iter().map(|message| &message.embedding).collect();
    for probes in [3, 5, 10] {
        let start = Instant::now();
        let found = nearest(&points, NEIGHBOURS, Probes(probes));
        let elapsed = start.elapsed();
        let (mut hits, mut sought) = (0, 0);
        for at in (0..points.len()).step_by(points.len().div_ceil(SOUGHT)) {
            let mut all: Vec<(f32, usize)> = (0..points.len())
                .filter(|&other| other != at)
                .map(|other| (-points[at].cosine(points[other]), other))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            sought += NEIGHBOURS.min(all.len());
            hits += all
                .iter()
                .take(NEIGHBOURS)
                .filter(|(_, other)| found[at].iter().any(|it| it.at as usize == *other))
                .count();
        }
        writeln!(out, "{probes} probes find {hits} of {sought} neighbours in {elapsed:.2?}")?;
    }
    let mut bands: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (message, neighbours) in messages.iter().zip(nearest(&points, NEIGHBOURS, Probes(10))) {
        for neighbour in neighbours.iter().filter(|neighbour| neighbour.cosine >= 0.8) {
            let band = bands.entry((neighbour.cosine * 50.0) as u32 * 2).or_default();
            band.0 += u64::from(messages[neighbour.at as usize].label == message.label);
            band.1 += 1;
        }
    }
    for (band, (same, all)) in bands {
        writeln!(out, "cosine from 0.{band}: {same} of {all} neighbours have the same label")?;
    }
    Ok(())
}

fn read(path: &str) -> anyhow::Result<Vec<Message>> {
    let rows = published::encoded(&published::encoder()?, &published::csv(Path::new(path))?);
    let messages = rows.into_iter().filter_map(|(text, label)| {
        Some(Message { text: ContentHash::of(&text.text, None), words: text.text, label, embedding: text.embedding? })
    });
    Ok(messages.collect())
}
