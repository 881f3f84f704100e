//! Measures suggestions and searches of reply templates: StackFAQ (a paraphrase finds its question), Banking77 as 77
//! templates that are called like their intents, cold and after messages for which each was chosen, and the speed of a
//! segment of 10,000 templates.
//!
//! ```text
//! cargo run --release -p romashka-learning --example suggestions -- stackfaq.json train.csv train_10.csv test.csv
//! ```
//!
//! Nothing is chosen on these files. Prints one JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use romashka_encoder::Encoder;
use romashka_learning::search::{Document, MAX_PICKS, Purpose, Query, Segment, find, find_lifted, intent_lift};
use romashka_learning::{
    Batch, DocumentFrequencies, Embedding, FeaturisedRow, Message, Model, Parameters, TrainingSet, fit,
};
use serde::Deserialize;
use serde_json::{Value, json};
mod published;

/// Rows that are learnt from at a time.
const ROWS_PER_BATCH: usize = 250;
/// Intents that a message may be of, as in `functions/templates`.
const MOST_INTENTS: usize = 10;
/// Templates of the segment whose speed is measured.
const MANY: usize = 10_000;
/// Templates that are changed beside it.
const CHANGED: usize = 20;

#[derive(Deserialize)]
struct Published {
    id: u32,
    question: String,
    answers: Vec<String>,
    queries: Vec<String>,
}

/// A template and the name by which it is known to be right.
struct Template {
    id: String,
    name: String,
    body: String,
}

/// A message with what it means and the template that is right for it.
type Asked = (String, Embedding, String);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [faq, train, few, test] = arguments.as_slice() else {
        bail!("usage: suggestions <stackfaq.json> <train.csv> <train_10.csv> <test.csv>")
    };
    let encoder = published::encoder()?;
    let encode = |texts: &[String]| -> Vec<Embedding> {
        let encodings = published::encode(&encoder, texts.iter().map(String::as_str));
        encodings.iter().map(|encoding| Embedding::of(&encoding.sentence)).collect()
    };
    let asked = |rows: Vec<(String, String)>| -> Vec<Asked> {
        let meanings = encode(&rows.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>());
        rows.into_iter().zip(meanings).map(|((text, id), meaning)| (text, meaning, id)).collect()
    };
    let documents = |templates: &[Template], picks: &[Asked]| -> Vec<Document> {
        let names = encode(&templates.iter().map(|template| template.name.clone()).collect::<Vec<_>>());
        let bodies = encode(&templates.iter().map(|template| template.body.clone()).collect::<Vec<_>>());
        let document = |((template, name), body): ((&Template, Embedding), Embedding)| Document {
            name: template.name.clone(),
            body: template.body.clone(),
            language: "en".to_owned(),
            meanings: if template.body.is_empty() { vec![name] } else { vec![name, body] },
            picks: picks
                .iter()
                .filter(|(_, _, id)| *id == template.id)
                .map(|(_, meaning, _)| meaning.clone())
                .take(MAX_PICKS)
                .collect(),
            ..Document::default()
        };
        templates.iter().zip(names).zip(bodies).map(document).collect()
    };
    let mut tables = Vec::new();
    let mut table = |name: &str, templates: &[Template], picks: &[Asked], queries: &[Asked], model: Option<&Model>| {
        let segment = Segment::of(&documents(templates, picks), None);
        let judge = model.map(|model| Judge { model, encoder: &encoder });
        for by in ["words", "meaning", "both", "deployed model too"] {
            if by == "deployed model too" && judge.is_none() {
                continue;
            }
            let mut row = ranks(&segment, templates, queries, by, judge.as_ref());
            row["set"] = json!(name);
            row["by"] = json!(by);
            tables.push(row);
        }
    };

    let faq: Vec<Published> = serde_json::from_slice(&std::fs::read(faq).with_context(|| faq.clone())?)?;
    let templates: Vec<Template> = faq
        .iter()
        .map(|faq| Template { id: faq.id.to_string(), name: faq.question.clone(), body: faq.answers.join("\n\n") })
        .collect();
    let queries =
        asked(faq.iter().flat_map(|faq| faq.queries.iter().map(|text| (text.clone(), faq.id.to_string()))).collect());
    table("StackFAQ, cold, all 1,249 queries", &templates, &[], &queries, None);
    // Every query has its turn to be asked after others of its question were answered.
    let (even, odd): (Vec<_>, Vec<_>) = queries.iter().cloned().enumerate().partition(|(at, _)| at % 2 == 0);
    let (even, odd): (Vec<Asked>, Vec<Asked>) =
        (even.into_iter().map(|(_, asked)| asked).collect(), odd.into_iter().map(|(_, asked)| asked).collect());
    table("StackFAQ, half of the queries picked (about 5 each), the other half asked", &templates, &even, &odd, None);

    let test = asked(published::csv(Path::new(test))?);
    let few = asked(published::csv(Path::new(few))?);
    let train = asked(published::csv(Path::new(train))?);
    let intents: BTreeSet<&String> = test.iter().map(|(_, _, id)| id).collect();
    let templates: Vec<Template> = intents
        .into_iter()
        .map(|id| Template { id: id.clone(), name: id.replace('_', " "), body: String::new() })
        .collect();
    let model = learn(&train, &encoder)?;
    let model = Some(&model);
    table("Banking77, cold: names alone", &templates, &[], &test, model);
    table("Banking77, 10 picks a template", &templates, &few, &test, model);
    table("Banking77, as many picks as are kept (64)", &templates, &train, &test, model);

    let speed = speed(&train, &queries)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:#}", json!({ "relevance": tables, "speed": speed }))?;
    Ok(())
}

/// The model that is deployed, which knows each template's intent.
struct Judge<'learnt> {
    model: &'learnt Model,
    encoder: &'learnt Encoder,
}

/// What a tenant's deployed model would be that learnt from these messages.
fn learn(train: &[Asked], encoder: &Encoder) -> anyhow::Result<Model> {
    let parameters = Parameters::default();
    let rows = train.iter().map(|(text, _, intent)| FeaturisedRow::from_text(text, Some(intent), None));
    let rows: Vec<FeaturisedRow> = rows.collect::<Result<_, _>>()?;
    let mut frequencies = DocumentFrequencies::default();
    frequencies.observe(&rows)?;
    let mut set = TrainingSet::new(frequencies.into_vocabulary(parameters.min_df), &parameters);
    let batches = rows.chunks(ROWS_PER_BATCH).zip(train.chunks(ROWS_PER_BATCH));
    for (number, (rows, texts)) in (0..).zip(batches) {
        set.push(number, Batch::encoded(rows.to_vec(), encoder, |row| &texts[row].0))?;
    }
    set.teach_names(Some(encoder));
    Ok(fit(&set, &parameters, &|_| ControlFlow::Continue(()))?.model)
}

fn ranks(segment: &Segment, templates: &[Template], queries: &[Asked], by: &str, judge: Option<&Judge<'_>>) -> Value {
    let (mut first, mut among_three, mut reciprocal) = (0_usize, 0_usize, 0.0);
    for (text, meaning, id) in queries {
        let query = if by == "meaning" { Query::default() } else { Query::written([text.as_str()]) };
        let meaning = (by != "words").then_some(meaning);
        let judge = judge.filter(|_| by == "deployed model too");
        let likely: BTreeMap<&str, f32> = judge.map_or_else(BTreeMap::new, |judge| {
            let message = Message::new(text, Some(judge.encoder));
            let is_known = judge.model.predict(&message, judge.model.default_budget()).is_about_something();
            if is_known { judge.model.likeliest(&message, MOST_INTENTS).into_iter().collect() } else { BTreeMap::new() }
        });
        let lifts = |_, at: usize| Some(intent_lift(likely.get(&*templates[at].id).copied().unwrap_or(0.0)));
        let hits = find_lifted(&[segment], &query, meaning, Purpose::Suggest, templates.len(), lifts);
        if let Some(rank) = hits.iter().position(|hit| templates[hit.position].id == *id) {
            first += usize::from(rank == 0);
            among_three += usize::from(rank < 3);
            reciprocal += 1.0 / (rank + 1) as f64;
        }
    }
    let of = queries.len() as f64;
    json!({
        "queries": queries.len(),
        "top_1": 100.0 * first as f64 / of,
        "top_3": 100.0 * among_three as f64 / of,
        "mrr": reciprocal / of,
    })
}

/// Documents with names and bodies of published messages, no two alike.
fn speed(train: &[Asked], queries: &[Asked]) -> anyhow::Result<Value> {
    let documents: Vec<Document> = (0..MANY + CHANGED)
        .map(|at| {
            let (name, meaning, id) = &train[at % train.len()];
            let bodies: Vec<_> = (1..8).map(|step| &train[(at + step * 1_237) % train.len()]).collect();
            Document {
                name: name.chars().take(80).collect(),
                labels: vec![id.clone()],
                body: bodies.iter().map(|(text, _, _)| text.as_str()).collect::<Vec<_>>().join(" "),
                language: "en".to_owned(),
                meanings: vec![meaning.clone(), bodies[0].1.clone()],
                picks: bodies.iter().take(at % 3).map(|(_, meaning, _)| meaning.clone()).collect(),
            }
        })
        .collect();
    let start = Instant::now();
    let segment = Segment::of(&documents[..MANY], None);
    let built = start.elapsed();
    let bytes = segment.to_bytes();
    let start = Instant::now();
    let segment = Segment::from_bytes(&bytes)?;
    let loaded = start.elapsed();
    let changed = Segment::of(&documents[MANY..], Some(segment.averages()));
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let timed = |purpose: Purpose| {
        let mut times: Vec<Duration> = queries
            .iter()
            .map(|(text, meaning, _)| {
                let text: String = match purpose {
                    Purpose::Search => text.split_whitespace().take(4).collect::<Vec<_>>().join(" "),
                    Purpose::Suggest => text.clone(),
                };
                let start = Instant::now();
                let query = match purpose {
                    Purpose::Search => Query::typed(&text),
                    Purpose::Suggest => Query::written([text.as_str()]),
                };
                std::hint::black_box(find(&[&segment, &changed], &query, Some(meaning), purpose, 20, |_, _| true));
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        let at = |share: f64| millis(times[((times.len() - 1) as f64 * share) as usize]);
        json!({ "p50_ms": at(0.5), "p99_ms": at(0.99) })
    };
    Ok(json!({
        "documents": MANY,
        "built_ms": millis(built),
        "loaded_ms": millis(loaded),
        "mb": bytes.len() as f64 / 1e6,
        "search": timed(Purpose::Search),
        "suggest": timed(Purpose::Suggest),
    }))
}
