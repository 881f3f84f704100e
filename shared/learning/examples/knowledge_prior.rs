//! Derives the confidence that is shipped from intents taken as passages: Banking77's training rows and those of a
//! 50-intent set. Prints the weights of `Confidence::SEMANTIC` and `Confidence::LEXICAL`.
//!
//! ```text
//! cargo run --release -p romashka-learning --example knowledge_prior -- <train.csv> <other train.csv>
//! ```
//!
//! Of each intent a few rows become the past questions of its passage, another its question or none, and the intent's
//! name its answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use anyhow::bail;
use romashka_learning::knowledge::{
    KnowledgeBuilder, Passage, Source, SourceKind, Text,
    confidence::{Confidence, Trial},
};

mod published;

const PAST_QUESTIONS: [usize; 3] = [1, 3, 8];
const SEEDS: u64 = 6;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        bail!("usage: knowledge_prior <train.csv>…");
    }
    let encoder = published::encoder()?;
    let mut out = std::io::stdout().lock();
    let (mut semantic, mut lexical) = (Vec::new(), Vec::new());
    for set in &arguments {
        let rows = published::csv(Path::new(set))?;
        let intents: BTreeSet<&String> = rows.iter().map(|(_, intent)| intent).collect();
        let names: Vec<_> = intents.into_iter().map(|intent| (intent.replace('_', " "), intent.clone())).collect();
        let names = published::encoded(&encoder, &names);
        let mut rows = published::encoded(&encoder, &rows);
        for seed in 0..SEEDS {
            published::shuffle(&mut rows, seed);
            let mut by_intent: BTreeMap<&str, Vec<&Text>> = BTreeMap::new();
            for (text, intent) in &rows {
                by_intent.entry(intent).or_default().push(text);
            }
            for count in PAST_QUESTIONS {
                let mut builder = KnowledgeBuilder::default();
                for (number, (name, intent)) in names.iter().enumerate() {
                    let Some(rows) = by_intent.get(intent.as_str()) else { continue };
                    let mut rows = rows.iter().copied().cloned();
                    // Every third passage is like an agent's reply, which has no question of its own.
                    let question = if number % 3 == 0 { None } else { rows.next() };
                    let kind = if question.is_some() { SourceKind::Faq } else { SourceKind::Reply };
                    builder.add(Passage {
                        source: Source { kind, upload: "prior".to_owned(), row: number as u64 },
                        question,
                        answer: name.clone(),
                        intent: None,
                        queries: rows.take(count).collect(),
                    })?;
                }
                let rehearsal = builder.build().rehearsal;
                if seed == 0 {
                    writeln!(
                        out,
                        "{set}, {count} past questions each: {} asked, first {:.3}, among three {:.3}",
                        rehearsal.questions,
                        rehearsal.first as f64 / rehearsal.questions as f64,
                        rehearsal.among_three as f64 / rehearsal.questions as f64,
                    )?;
                }
                semantic.extend(rehearsal.semantic);
                lexical.extend(rehearsal.lexical);
            }
        }
    }
    for (name, trials) in [("semantic", semantic), ("lexical", lexical)] {
        let confidence = Confidence::of(&trials);
        writeln!(
            out,
            "{name}, {} trials: {:.3?}, cross-entropy {:.4}",
            trials.len(),
            confidence.weights,
            cross_entropy(&confidence, &trials)
        )?;
    }
    Ok(())
}

/// Mean over trials, in nats.
fn cross_entropy(confidence: &Confidence, trials: &[Trial]) -> f64 {
    let mut sum = 0.0;
    let mut weights = 0.0;
    for trial in trials {
        let probability = f64::from(confidence.probability(trial.standing));
        sum -= f64::from(trial.weight) * if trial.right { probability } else { 1.0 - probability }.max(1e-9).ln();
        weights += f64::from(trial.weight);
    }
    sum / weights
}
