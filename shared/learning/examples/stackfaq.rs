//! Measures retrieval on StackFAQ (125 questions with several answers each, 1,249 paraphrased queries) and the speed of
//! indexes of 1,000 and 10,000 passages.
//!
//! ```text
//! cargo run --release -p romashka-learning --example stackfaq -- stackfaq.json train.csv
//! ```
//!
//! The second file, of `text,category`, fills the large indexes. Nothing is chosen on these queries.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use romashka_learning::knowledge::{
    Built, KnowledgeBuilder, KnowledgeIndex, MAX_HITS, Passage, Source, SourceKind, Text,
};
use serde::Deserialize;
mod published;

const REMOVED_SHARE: f64 = 0.3;
const SEEDS: u64 = 5;
const BINS: usize = 10;

type Labelled = Vec<(Text, String)>;

/// A question as it is published.
#[derive(Deserialize)]
struct Published {
    id: u32,
    question: String,
    answers: Vec<String>,
    queries: Vec<String>,
}

struct StackFaq {
    questions: Labelled,
    answers: Labelled,
    queries: Labelled,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [faq, filler] = arguments.as_slice() else { bail!("usage: stackfaq <stackfaq.json> <train.csv>") };
    let encoder = published::encoder()?;
    let faq: Vec<Published> = serde_json::from_slice(&std::fs::read(faq).with_context(|| faq.clone())?)?;
    let labelled = |of: fn(&Published) -> &[String]| {
        let texts = |faq: &Published| of(faq).iter().map(|text| (text.clone(), faq.id.to_string())).collect::<Vec<_>>();
        published::encoded(&encoder, &faq.iter().flat_map(texts).collect::<Vec<_>>())
    };
    let faq = StackFaq {
        questions: labelled(|faq| std::slice::from_ref(&faq.question)),
        answers: labelled(|faq| &faq.answers),
        queries: labelled(|faq| &faq.queries),
    };
    let mut out = std::io::stdout().lock();

    let (even, odd): (Vec<_>, Vec<_>) = faq.queries.iter().cloned().enumerate().partition(|(at, _)| at % 2 == 0);
    let without_place = |half: Vec<(usize, (Text, String))>| half.into_iter().map(|(_, query)| query).collect();
    let (asked, tested): (Labelled, Labelled) = (without_place(even), without_place(odd));
    let cold = build(&faq, &[], |_| true)?;
    writeln!(out, "cold: {} queries to {} passages", faq.queries.len(), cold.index.passages().len())?;
    ranking(&mut out, &cold.index, &faq, &faq.queries)?;
    writeln!(out, "cold, the tested half of the queries")?;
    ranking(&mut out, &cold.index, &faq, &tested)?;
    for most in [1, 3, 5] {
        let past = first_of_each(&asked, most);
        let warm = build(&faq, &past, |_| true)?;
        writeln!(out, "after {most} past queries each at most ({}), the tested half", past.len())?;
        let rehearsal = &warm.rehearsal;
        writeln!(
            out,
            "  rehearsal      {} asked, first {:.3}, among three {:.3}",
            rehearsal.questions.len(),
            rehearsal.first() as f64 / rehearsal.questions.len() as f64,
            rehearsal.among_three() as f64 / rehearsal.questions.len() as f64
        )?;
        ranking(&mut out, &warm.index, &faq, &tested)?;
    }
    writeln!(out, "no answer: {REMOVED_SHARE} of the FAQs removed, {SEEDS} draws together")?;
    no_answer(&mut out, "cold, fused", &faq, &[], Ask::Fused)?;
    no_answer(&mut out, "cold, words", &faq, &[], Ask::Words)?;
    no_answer(&mut out, "5 past, fused", &faq, &first_of_each(&asked, 5), Ask::Fused)?;
    no_answer(&mut out, "5 past, words", &faq, &first_of_each(&asked, 5), Ask::Words)?;
    let filler = published::encoded(&encoder, &published::csv(Path::new(filler))?);
    for passages in [1_000, 10_000] {
        speed(&mut out, &faq, &filler, passages)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Ask {
    Words,
    Embedding,
    Fused,
}

/// An index of those FAQs that are kept, with these past queries.
fn build(faq: &StackFaq, past: &[(Text, String)], kept: impl Fn(&str) -> bool) -> anyhow::Result<Built> {
    let mut builder = KnowledgeBuilder::default();
    for (number, (question, id)) in faq.questions.iter().enumerate().filter(|(_, (_, id))| kept(id)) {
        let mut queries: Vec<Text> = past.iter().filter(|(_, of)| of == id).map(|(query, _)| query.clone()).collect();
        for (answer, _) in faq.answers.iter().filter(|(_, of)| of == id) {
            builder.add(Passage {
                question: Some(question.clone()),
                intent: Some(id.clone()),
                queries: std::mem::take(&mut queries),
                ..Passage::of(
                    Source { kind: SourceKind::Faq, upload: "stackfaq".to_owned(), row: number as u64 },
                    answer.clone(),
                )
            })?;
        }
    }
    Ok(builder.build())
}

fn first_of_each(queries: &[(Text, String)], most: usize) -> Labelled {
    let mut kept = Labelled::new();
    for query in queries {
        if kept.iter().filter(|(_, of)| *of == query.1).count() < most {
            kept.push(query.clone());
        }
    }
    kept
}

/// FAQs by rank, each with its probability.
fn ask<'index>(index: &'index KnowledgeIndex, query: &Text, ask: Ask) -> Vec<(&'index str, f32)> {
    let (text, embedding) = match ask {
        Ask::Words => (query.text.as_str(), None),
        Ask::Embedding => ("", query.embedding.as_ref()),
        Ask::Fused => (query.text.as_str(), query.embedding.as_ref()),
    };
    let hits = index.search(text, embedding, MAX_HITS);
    hits.into_iter().filter_map(|hit| Some((hit.passage.intent.as_deref()?, hit.probability))).collect()
}

fn ranking(
    out: &mut impl Write,
    index: &KnowledgeIndex,
    faq: &StackFaq,
    queries: &[(Text, String)],
) -> anyhow::Result<()> {
    debug_assert!(index.passages().len() <= faq.questions.len());
    for (name, by) in [("words", Ask::Words), ("embedding", Ask::Embedding), ("fused", Ask::Fused)] {
        let (mut first, mut among_three, mut reciprocal) = (0, 0, 0.0);
        for (query, id) in queries {
            if let Some(rank) = ask(index, query, by).iter().position(|(found, _)| found == id) {
                first += usize::from(rank == 0);
                among_three += usize::from(rank < 3);
                reciprocal += 1.0 / (rank + 1) as f64;
            }
        }
        let share = |count: usize| 100.0 * count as f64 / queries.len() as f64;
        writeln!(
            out,
            "  {name:<14} top-1 {:.1}  top-3 {:.1}  MRR {:.4}",
            share(first),
            share(among_three),
            reciprocal / queries.len() as f64
        )?;
    }
    Ok(())
}

/// Queries that were not indexed, put to an index without some of the FAQs.
fn no_answer(out: &mut impl Write, name: &str, faq: &StackFaq, past: &[(Text, String)], by: Ask) -> anyhow::Result<()> {
    // (probability of the first hit, whether it is right, whether the index holds the answer)
    let mut outcomes = Vec::new();
    for seed in 0..SEEDS {
        let mut ids: Vec<&str> = faq.questions.iter().map(|(_, id)| id.as_str()).collect();
        published::shuffle(&mut ids, seed);
        let removed = &ids[..(ids.len() as f64 * REMOVED_SHARE) as usize];
        let index = build(faq, past, |id| !removed.contains(&id))?.index;
        for (query, id) in faq.queries.iter().filter(|query| !past.contains(query)) {
            let first = ask(&index, query, by).into_iter().next();
            let (found, probability) = first.unwrap_or(("", 0.0));
            outcomes.push((probability, found == id, !removed.contains(&id.as_str())));
        }
    }
    let answerable: Vec<f32> = outcomes.iter().filter(|(_, _, held)| *held).map(|(p, ..)| *p).collect();
    let others: Vec<f32> = outcomes.iter().filter(|(_, _, held)| !*held).map(|(p, ..)| *p).collect();
    let mut above = 0.0;
    for other in &others {
        for probability in &answerable {
            above += if probability > other { 1.0 } else { 0.5 * f64::from(u8::from(probability == other)) };
        }
    }
    let auroc = above / (answerable.len() * others.len()) as f64;
    let mut error = 0.0;
    for bin in 0..BINS {
        let within: Vec<_> =
            outcomes.iter().filter(|(p, ..)| ((*p * BINS as f32) as usize).min(BINS - 1) == bin).collect();
        let mean: f64 = within.iter().map(|(p, ..)| f64::from(*p)).sum();
        let right = within.iter().filter(|(_, right, _)| *right).count() as f64;
        error += (mean - right).abs() / outcomes.len() as f64;
    }
    writeln!(out, "  {name:<14} AUROC {auroc:.4}  calibration error {error:.3}")?;
    for threshold in [0.3, 0.5, 0.7] {
        let silent = outcomes.iter().filter(|(p, ..)| *p < threshold).count();
        let rightly = outcomes.iter().filter(|(p, _, held)| *p < threshold && !*held).count();
        let answered = outcomes.len() - silent;
        let right = outcomes.iter().filter(|(p, right, _)| *p >= threshold && *right).count();
        writeln!(
            out,
            "    at {threshold}: no answer: precision {:.3} recall {:.3}; answers given {:.3}, right {:.3}",
            rightly as f64 / silent.max(1) as f64,
            rightly as f64 / others.len() as f64,
            answered as f64 / outcomes.len() as f64,
            right as f64 / answered.max(1) as f64,
        )?;
    }
    Ok(())
}

fn speed(out: &mut impl Write, faq: &StackFaq, filler: &[(Text, String)], passages: usize) -> anyhow::Result<()> {
    let mut builder = KnowledgeBuilder::default();
    for (number, ((question, _), (answer, _))) in
        filler.iter().zip(faq.answers.iter().cycle()).enumerate().take(passages)
    {
        // Half are FAQs with a past question, half replies.
        let kind = if number % 2 == 0 { SourceKind::Faq } else { SourceKind::Reply };
        builder.add(Passage {
            question: Some(question.clone()),
            queries: vec![filler[(number * 7 + 1) % filler.len()].0.clone()],
            // Two answers at a distance of their own, or replies that are alike would be merged.
            ..Passage::of(
                Source { kind, upload: "speed".to_owned(), row: number as u64 },
                Text {
                    text: format!(
                        "{} {}",
                        answer.text,
                        faq.answers[(number * 31 + number / faq.answers.len() * 53) % faq.answers.len()].0.text
                    ),
                    embedding: answer.embedding.clone(),
                },
            )
        })?;
    }
    let start = Instant::now();
    let built = builder.build();
    let building = start.elapsed();
    let bytes = built.index.to_bytes()?;
    let start = Instant::now();
    let index = KnowledgeIndex::from_bytes(&bytes)?;
    let loading = start.elapsed();
    writeln!(
        out,
        "{passages} rows, {} passages: built in {building:.2?}, {:.1} MB, loaded in {loading:.2?}",
        index.passages().len(),
        bytes.len() as f64 / 1e6
    )?;
    for (name, by) in [("words", Ask::Words), ("fused", Ask::Fused)] {
        let mut times: Vec<Duration> = faq
            .queries
            .iter()
            .map(|(query, _)| {
                let embedding = query.embedding.as_ref().filter(|_| matches!(by, Ask::Fused));
                let start = Instant::now();
                std::hint::black_box(index.search(&query.text, embedding, 3));
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).context("no queries");
        writeln!(out, "  {name:<14} p50 {:.2?}  p95 {:.2?}", at(50)?, at(95)?)?;
    }
    Ok(())
}
