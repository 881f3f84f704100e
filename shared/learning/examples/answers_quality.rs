//! Derives the confidence that is shipped from tasks with known answers, and measures a task file beside simpler methods.
//!
//! ```text
//! cargo run --release -p romashka-learning --example knowledge_prior -- prior <task.json>…
//! cargo run --release -p romashka-learning --example knowledge_prior -- ask <task.json>…
//! ```
//!
//! A task is a JSON object: `rows` to learn from (`kind` of `faq`, `article` or `reply`, `question`, `reply`,
//! `conversation`, `matter`), `test` questions with the `matter` that answers them, and `foreign` questions that nothing
//! answers. `cargo xtask bench answers-quality` writes such files from published data. Replies are read as the product
//! reads them.

use std::{collections::BTreeMap, io::Write, time::Instant};

use anyhow::{Context, bail};
use romashka_learning::{
    Embedding, Group,
    knowledge::{
        Built, KnowledgeBuilder, Passage, Sentence, Source, SourceKind, Text,
        confidence::{Confidence, Trial},
        sentences::sentences,
    },
    language,
};
use romashka_mining::replies::{Corpus, fill, read};
use romashka_types::reply::Act;
use serde::Deserialize;

mod published;

#[derive(Deserialize)]
struct Task {
    rows: Vec<Row>,
    test: Vec<Test>,
    #[serde(default)]
    foreign: Vec<Test>,
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    question: Option<String>,
    reply: String,
    conversation: Option<String>,
    matter: Option<String>,
}

#[derive(Deserialize)]
struct Test {
    question: String,
    matter: Option<String>,
}

struct Ready {
    built: Built,
    matters: Vec<Option<String>>,
    test: Vec<(Text, Option<String>)>,
    foreign: Vec<Text>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, tasks @ ..] = arguments.as_slice() else { bail!("usage: knowledge_prior prior|ask <task.json>…") };
    let encoder = published::encoder()?;
    let encode = |texts: Vec<String>| -> Vec<Text> {
        let known: Vec<&str> = texts.iter().map(String::as_str).filter(|text| language::is_encoded(text)).collect();
        let mut encodings = published::encode(&encoder, known.into_iter()).into_iter();
        texts
            .into_iter()
            .map(|text| {
                let embedding = language::is_encoded(&text)
                    .then(|| encodings.next())
                    .flatten()
                    .map(|it| Embedding::of(&it.sentence));
                Text { text, embedding }
            })
            .collect()
    };
    let mut out = std::io::stdout().lock();
    let mut trials_of: BTreeMap<(&str, SourceKind), Vec<Trial>> = BTreeMap::new();
    for path in tasks {
        let task: Task = serde_json::from_slice(&std::fs::read(path).with_context(|| path.clone())?)?;
        let started = Instant::now();
        if what == "prior" {
            for (judge, ready) in [("semantic", ready(&task, encode)?), ("lexical", ready(&task, unencoded)?)] {
                let is_embedded = ready.built.index.is_embedded();
                for (kind, trials) in trials(&ready) {
                    // Of a language that the encoder does not know, both are judged by words.
                    if is_embedded || judge == "lexical" {
                        trials_of.entry((judge, kind)).or_default().extend(weighted(trials));
                    }
                }
            }
            continue;
        }
        let ready = ready(&task, encode)?;
        let index = &ready.built.index;
        writeln!(
            out,
            "\n{path}: {} passages in {} groups, {} left out, embedded {}, {:.1} s",
            index.passages().len(),
            index.groups().len(),
            ready.built.left_out,
            index.is_embedded(),
            started.elapsed().as_secs_f64()
        )?;
        ask(&mut out, &ready)?;
    }
    for ((judge, kind), trials) in trials_of {
        let confidence = Confidence::of(&trials);
        writeln!(out, "{judge} {kind:?}, {} trials: {:.3?}", trials.len(), confidence.weights)?;
    }
    Ok(())
}

fn unencoded(texts: Vec<String>) -> Vec<Text> {
    texts.into_iter().map(|text| Text { text, embedding: None }).collect()
}

/// Builds the index of a task and encodes its questions.
fn ready(task: &Task, encode: impl Fn(Vec<String>) -> Vec<Text>) -> anyhow::Result<Ready> {
    let read: Vec<_> = task.rows.iter().map(|row| read(&row.reply)).collect();
    let mut corpus = Corpus::default();
    for (row, reply) in task.rows.iter().zip(&read) {
        corpus.observe(
            row.conversation.as_deref().unwrap_or_default(),
            row.question.as_deref().unwrap_or_default(),
            reply,
        );
    }
    let questions = encode(task.rows.iter().map(|row| row.question.clone().unwrap_or_default()).collect());
    let is_reply = |row: &Row| row.kind == "reply";
    let bodies = task.rows.iter().zip(&read).map(|(row, read)| if is_reply(row) { &read.body } else { &row.reply });
    let bodies = encode(bodies.cloned().collect());
    let mut builder = KnowledgeBuilder::default();
    for (number, (row, (question, body))) in task.rows.iter().zip(questions.into_iter().zip(bodies)).enumerate() {
        let kind = match row.kind.as_str() {
            "faq" => SourceKind::Faq,
            "article" => SourceKind::Article,
            _ => SourceKind::Reply,
        };
        let source = Source { kind, upload: "task".to_owned(), row: number as u64 };
        let mut passage = Passage::of(source, body);
        let question = row.question.as_ref().map(|_| question);
        match kind {
            SourceKind::Reply => {
                let asked = row.question.as_deref().unwrap_or_default();
                let generalised = corpus.generalise(&read[number].body, asked);
                passage.act = read[number].act;
                passage.answer.text = generalised.text;
                passage.slots = generalised.slots;
                passage.conversation = row.conversation.as_deref().map(Group::of_conversation);
                passage.queries.extend(question);
            }
            SourceKind::Article => {
                let ranges = sentences(&passage.answer.text);
                let texts = ranges.iter().map(|range| passage.answer.text[range.clone()].to_owned()).collect();
                let embeddings = encode(texts).into_iter().map(|text| text.embedding);
                passage.sentences = ranges
                    .into_iter()
                    .zip(embeddings)
                    .map(|(range, embedding)| Sentence { range, embedding })
                    .collect();
            }
            SourceKind::Faq => passage.question = question,
        }
        // Replies that are nothing but courtesies have no body.
        if !passage.answer.text.trim().is_empty() {
            builder.add(passage)?;
        }
    }
    let built = builder.build();
    let test = encode(task.test.iter().map(|test| test.question.clone()).collect());
    let foreign = encode(task.foreign.iter().map(|test| test.question.clone()).collect());
    Ok(Ready {
        built,
        matters: task.rows.iter().map(|row| row.matter.clone()).collect(),
        test: test.into_iter().zip(task.test.iter().map(|test| test.matter.clone())).collect(),
        foreign,
    })
}

/// Trials of each test question and each foreign one, by the kind of passage that was found.
fn trials(ready: &Ready) -> BTreeMap<SourceKind, Vec<Trial>> {
    let mut trials: BTreeMap<SourceKind, Vec<Trial>> = BTreeMap::new();
    let foreign = ready.foreign.iter().map(|text| (text, None));
    for (text, matter) in ready.test.iter().map(|(text, matter)| (text, matter.as_ref())).chain(foreign) {
        for (position, standing) in ready.built.index.standings(&text.text, text.embedding.as_ref(), 2) {
            let passage = &ready.built.index.passages()[position];
            let row = passage.answers[0].sources[0].row as usize;
            let right = matter.is_some() && ready.matters[row].as_ref() == matter;
            trials.entry(passage.kind).or_default().push(Trial { standing, right, weight: 1.0 });
        }
    }
    trials
}

/// Every task counts the same.
fn weighted(trials: Vec<Trial>) -> impl Iterator<Item = Trial> {
    let weight = 1_000.0 / trials.len().max(1) as f32;
    trials.into_iter().map(move |trial| Trial { weight, ..trial })
}

/// Prints groups with their replies and what was found for each question.
fn each(out: &mut impl Write, ready: &Ready) -> anyhow::Result<()> {
    let index = &ready.built.index;
    for (number, group) in index.groups().iter().enumerate() {
        writeln!(out, "  group {number}, {:?}, {} rows", group.act, group.times)?;
        for passage in index.passages().iter().filter(|passage| passage.group as usize == number) {
            let answer = &passage.answers[0];
            let matter = &ready.matters[answer.sources[0].row as usize];
            writeln!(out, "    {} x{} {:?}", matter.as_deref().unwrap_or("-"), passage.past_questions, answer.text)?;
        }
    }
    let foreign = ready.foreign.iter().map(|text| (text, None));
    for (text, matter) in ready.test.iter().map(|(text, matter)| (text, matter.as_deref())).chain(foreign) {
        let standings = index.standings(&text.text, text.embedding.as_ref(), 1);
        let Some(hit) = index.search(&text.text, text.embedding.as_ref(), 1).pop() else {
            writeln!(out, "  ---- {matter:?} {}", text.text)?;
            continue;
        };
        let found = ready.matters[hit.answer.sources[0].row as usize].as_deref();
        writeln!(
            out,
            "  {:.2} {} {matter:?} {found:?} {:?} {:?} {:?}",
            hit.probability,
            if found == matter { "right" } else { "WRONG" },
            hit.group.act,
            text.text,
            standings[0].1
        )?;
    }
    Ok(())
}

fn ask(out: &mut impl Write, ready: &Ready) -> anyhow::Result<()> {
    let index = &ready.built.index;
    let mut said: Vec<(f32, bool)> = Vec::new();
    let mut by_act: BTreeMap<String, usize> = BTreeMap::new();
    let started = Instant::now();
    for (text, matter) in &ready.test {
        let hit = index.search(&text.text, text.embedding.as_ref(), 1).pop();
        let Some(hit) = hit else { continue };
        *by_act.entry(format!("{:?}", hit.group.act)).or_default() += 1;
        if hit.group.act != Act::Answer {
            continue;
        }
        let filled = index
            .answers_to(&hit, text.embedding.as_ref())
            .into_iter()
            .find_map(|answer| Some((answer, fill(&answer.text, &answer.slots, &text.text, &BTreeMap::new())?)));
        let Some((answer, _)) = filled else {
            *by_act.entry("unfilled".to_owned()).or_default() += 1;
            continue;
        };
        let row = answer.sources[0].row as usize;
        said.push((hit.probability, matter.is_some() && ready.matters[row] == *matter));
    }
    let seconds = started.elapsed().as_secs_f64();
    let tests = ready.test.len().max(1);
    if std::env::var_os("ROMASHKA_EACH").is_some() {
        each(out, ready)?;
    }
    if std::env::var_os("ROMASHKA_PURITY").is_some() {
        let mut members: BTreeMap<u32, BTreeMap<&Option<String>, usize>> = BTreeMap::new();
        for passage in index.passages() {
            let row = passage.answers[0].sources[0].row as usize;
            *members.entry(passage.group).or_default().entry(&ready.matters[row]).or_default() += 1;
        }
        let mut sizes: Vec<(usize, usize)> =
            members.values().map(|of| (of.values().sum(), *of.values().max().unwrap_or(&0))).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let all: usize = sizes.iter().map(|(all, _)| all).sum();
        let pure: usize = sizes.iter().map(|(_, most)| most).sum();
        writeln!(out, "  purity {:.4}; largest {:?}", pure as f64 / all as f64, &sizes[..sizes.len().min(60)])?;
        let mut nearest = 0;
        for (text, matter) in &ready.test {
            let hit = index.search(&text.text, text.embedding.as_ref(), 1).pop();
            nearest += usize::from(
                hit.is_some_and(|hit| ready.matters[hit.passage.answers[0].sources[0].row as usize] == *matter),
            );
        }
        writeln!(out, "  best passage of the first group right {:.4}", nearest as f64 / ready.test.len() as f64)?;
    }
    writeln!(out, "  first hits by act {by_act:?}; {:.2} ms a question", 1e3 * seconds / tests as f64)?;
    let agreement = ready.built.agreement.as_ref();
    let chosen = agreement.map_or(0.5, |agreement| agreement.threshold as f32);
    if let Some(agreement) = agreement {
        writeln!(
            out,
            "  agreement: {} questions, threshold {:.3}, answered {:.3}, agreed {:.3}",
            agreement.questions,
            agreement.threshold,
            agreement.answered.value,
            agreement.agreed.map_or(0.0, |agreed| agreed.value)
        )?;
        for point in &agreement.points {
            write!(out, " {:.2}:{:.2}/{:.2}", point.threshold, point.answered.value, point.agreed.value)?;
        }
        writeln!(out)?;
    }
    let foreign: Vec<f32> = ready
        .foreign
        .iter()
        .filter_map(|text| index.search(&text.text, text.embedding.as_ref(), 1).pop())
        .filter(|hit| hit.group.act == Act::Answer)
        .map(|hit| hit.probability)
        .collect();
    for threshold in [chosen, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9] {
        let given: Vec<bool> = said.iter().filter(|(it, _)| *it >= threshold).map(|(_, right)| *right).collect();
        let right = given.iter().filter(|right| **right).count();
        let strangers = foreign.iter().filter(|it| **it >= threshold).count();
        writeln!(
            out,
            "  at {threshold:.2}: answered {:.3}, of them right {:.3}; foreign answered {:.3}",
            given.len() as f64 / tests as f64,
            right as f64 / given.len().max(1) as f64,
            strangers as f64 / ready.foreign.len().max(1) as f64
        )?;
    }
    Ok(())
}
