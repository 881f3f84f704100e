//! Derives the confidence that is shipped from tasks with known answers, and measures a task beside simpler methods.
//!
//! ```text
//! cargo run --release -p romashka-learning --example answers_quality -- prior <task.json>…
//! cargo run --release -p romashka-learning --example answers_quality -- ask <task.json>…
//! ```
//!
//! With `ROMASHKA_EACH` set, `ask` prints every group and every question, too.
//!
//! A task is a JSON object: `rows` to learn from (`kind` of `faq`, `article` or `reply`, `question`, `reply`,
//! `conversation`, `matter`), `test` questions with the `matter` that answers them, and `foreign` questions that nothing
//! answers. `cargo xtask bench answers-quality` writes such files from published data. Replies are read as the product
//! reads them.

use std::{collections::BTreeMap, io::Write, time::Instant};

use anyhow::{Context, bail};
use bm25::{Language, SearchEngineBuilder};
use romashka_learning::{
    Embedding, Group,
    knowledge::{
        Answer, Built, DEFAULT_THRESHOLD, KnowledgeBuilder, Passage, Sentence, Source, SourceKind, Text,
        confidence::{Confidence, Trial},
        sentences::sentences,
    },
    language,
};
use romashka_mining::replies::{Corpus, fill, read};
use romashka_types::reply::Act;
use serde::Deserialize;

mod published;

/// Answer groups that are looked at for one that answers, as in `functions/answers`.
const CANDIDATES: usize = 10;
/// Texts whose language is looked at.
const LANGUAGE_SAMPLE: usize = 100;

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
    /// Embeddings of each row's question and of its answer.
    questions: Vec<Option<Embedding>>,
    bodies: Vec<Option<Embedding>>,
    matters: Vec<Option<String>>,
    test: Vec<(Text, Option<String>)>,
    foreign: Vec<Text>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, tasks @ ..] = arguments.as_slice() else { bail!("usage: answers_quality prior|ask <task.json>…") };
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
        if std::env::var_os("ROMASHKA_EACH").is_some() {
            each(&mut out, &ready)?;
        }
        ask(&mut out, &task, &ready)?;
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
    let embeddings = |texts: &[Text]| -> Vec<Option<Embedding>> {
        texts.iter().map(|text| text.embedding.clone().filter(|_| !text.text.is_empty())).collect()
    };
    let (of_questions, of_bodies) = (embeddings(&questions), embeddings(&bodies));
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
        questions: of_questions,
        bodies: of_bodies,
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
        if let Some(extract) = hit.extract {
            writeln!(out, "    {extract}")?;
        }
    }
    Ok(())
}

/// Prints how often and how rightly questions are answered at the thresholds in force, and how other methods do when they answer
/// as many: each answers its surest ones.
fn ask(out: &mut impl Write, task: &Task, ready: &Ready) -> anyhow::Result<()> {
    let index = &ready.built.index;
    let agreement = ready.built.agreement.as_ref();
    let reply_threshold = agreement.map_or(DEFAULT_THRESHOLD, |agreement| agreement.threshold) as f32;
    if let Some(agreement) = agreement {
        writeln!(
            out,
            "  past questions asked again: threshold {:.3}, answered {:.3}, agreed {:.3}",
            agreement.threshold,
            agreement.answered.value,
            agreement.agreed.map_or(0.0, |agreed| agreed.value)
        )?;
    }
    let ours = |text: &Text| -> Option<Said<'_>> {
        let hits = index.search(&text.text, text.embedding.as_ref(), CANDIDATES);
        let is_answered = hits.first().is_some_and(|hit| matches!(hit.group.act, Act::Answer | Act::Question));
        hits.iter().filter(|hit| is_answered && hit.group.act == Act::Answer).find_map(|hit| {
            let is_reply = hit.passage.kind == SourceKind::Reply;
            if !is_reply && language::are_different(&text.text, &hit.answer.text) {
                return None;
            }
            let threshold = if is_reply { reply_threshold } else { DEFAULT_THRESHOLD as f32 };
            let can_fill = |answer: &&Answer| {
                !is_reply || fill(&answer.text, &answer.slots, &text.text, &BTreeMap::new()).is_some()
            };
            let filled = index.answers_to(hit, text.embedding.as_ref()).into_iter().find(can_fill)?;
            let matter = ready.matters[filled.sources[0].row as usize].as_deref();
            (hit.probability >= threshold).then_some(Said { score: hit.probability, matter })
        })
    };
    let started = Instant::now();
    let judged = Judged::of(ready, ours);
    let seconds = started.elapsed().as_secs_f64();
    let given = judged.asked.iter().filter(|(score, _)| *score > 0.0).count();
    writeln!(out, "  {:<34} answered   right  foreign answered", "")?;
    judged.print(out, "Romashka", given)?;
    let peers = peers(task, ready);
    for (name, judged) in &peers {
        judged.print(out, name, given)?;
    }
    writeln!(out, "  {:.2} ms a question", 1e3 * seconds / judged.asked.len().max(1) as f64)?;
    Ok(())
}

/// A method's answer to a question.
struct Said<'task> {
    /// Its certainty, in its own measure; 0 where it says nothing.
    score: f32,
    matter: Option<&'task str>,
}

/// A method's answers to all questions.
struct Judged {
    /// Certainty of each, and true where it was right.
    asked: Vec<(f32, bool)>,
    /// Certainty about what nothing answers.
    foreign: Vec<f32>,
}

impl Judged {
    fn of<'task>(ready: &'task Ready, say: impl Fn(&'task Text) -> Option<Said<'task>>) -> Self {
        let asked = ready.test.iter().map(|(text, matter)| {
            let said = say(text);
            said.map_or((0.0, false), |said| (said.score, said.matter.is_some() && said.matter == matter.as_deref()))
        });
        let foreign = ready.foreign.iter().map(|text| say(text).map_or(0.0, |said| said.score));
        Self { asked: asked.collect(), foreign: foreign.collect() }
    }

    /// A row for the `count` surest answers.
    fn print(&self, out: &mut impl Write, name: &str, count: usize) -> anyhow::Result<()> {
        let mut asked = self.asked.clone();
        asked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let given = &asked[..count];
        let right = given.iter().filter(|(_, right)| *right).count();
        let least = given.last().map_or(f32::INFINITY, |(score, _)| *score);
        let foreign = self.foreign.iter().filter(|score| **score > 0.0 && **score >= least).count();
        let share = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
        let of_foreign = if self.foreign.is_empty() {
            "–".to_owned()
        } else {
            format!("{:.1} %", share(foreign, self.foreign.len()))
        };
        writeln!(
            out,
            "  {name:<34} {:>6.1} %  {:>5.1} %  {of_foreign:>9}",
            share(count, asked.len()),
            share(right, count)
        )?;
        Ok(())
    }
}

/// Methods that a team could put together in an afternoon, over the same rows.
fn peers<'task>(task: &'task Task, ready: &'task Ready) -> Vec<(&'static str, Judged)> {
    let questions: Vec<&str> = task.rows.iter().map(|row| row.question.as_deref().unwrap_or_default()).collect();
    let whole: Vec<String> =
        task.rows.iter().zip(&questions).map(|(row, question)| format!("{question} {}", row.reply)).collect();
    let of_row = |row: usize| ready.matters[row].as_deref();
    let mut peers = Vec::new();
    let language = whichlang_of(&whole);
    for (name, documents) in [
        ("BM25 over questions and answers", whole),
        ("BM25 over past questions", { questions.iter().map(|question| (*question).to_owned()).collect() }),
    ] {
        if documents.iter().all(String::is_empty) {
            continue;
        }
        let engine = SearchEngineBuilder::<u32>::with_corpus(language.clone(), documents).build();
        peers.push((
            name,
            Judged::of(ready, |text| {
                let found = engine.search(&text.text, 1).pop()?;
                Some(Said { score: found.score, matter: of_row(found.document.id as usize) })
            }),
        ));
    }
    for (name, embeddings) in
        [("embeddings of answers", &ready.bodies), ("nearest past question by embedding", &ready.questions)]
    {
        let known = embeddings.iter().flatten().filter(|embedding| !embedding.is_zero()).count();
        if known * 2 < embeddings.len() {
            continue;
        }
        peers.push((
            name,
            Judged::of(ready, |text| {
                let query = text.embedding.as_ref()?;
                let cosines =
                    embeddings.iter().enumerate().filter_map(|(row, it)| Some((query.cosine(it.as_ref()?), row)));
                let (cosine, row) = cosines.max_by(|a, b| a.0.total_cmp(&b.0))?;
                Some(Said { score: cosine, matter: of_row(row) })
            }),
        ));
    }
    peers
}

/// The language that a search engine stems by: that of most texts.
fn whichlang_of(texts: &[String]) -> Language {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts.iter().take(LANGUAGE_SAMPLE) {
        let code = language::detect(text).map(|detection| detection.language.code().to_owned());
        *counts.entry(code.unwrap_or_default()).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code);
    match most.as_deref() {
        Some("de") => Language::German,
        Some("ru") => Language::Russian,
        Some("es") => Language::Spanish,
        Some("fr") => Language::French,
        _ => Language::English,
    }
}
