//! Measures one step of training or answering in a process of its own and prints one JSON object, so that
//! `cargo xtask bench learning` can set it beside other libraries measured the same way.
//!
//! ```text
//! measure fit train.csv model.rma            featurise, encode, fit and write the artefact
//! measure ask model.rma test.csv             load the artefact and ask every row, one at a time
//! measure embed rows.csv embeddings.f32      encode in batches; 384 little-endian f32 a row
//! measure embed-each rows.csv embeddings.f32 the same one at a time, with what each row took
//! ```
//!
//! Files are CSV of `text,category`. `ROMASHKA_ENCODER` names the encoder's package; `fit` and `ask` go without where it
//! is not set. CPU-seconds and memory come from Linux's `/proc`; CPU-seconds are in steps of a hundredth.

use std::{
    io::Write,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use romashka_encoder::{Encoder, SHIPPED_AT, Scratch};
use romashka_learning::{
    Batch, DocumentFrequencies, Evaluation, FeaturisedRow, Meaning, Message, Model, OUT_OF_SCOPE_LABEL, Parameters,
    TrainingSet, batch, evaluation::Outcome, fit,
};
use serde_json::{Value, json};

const ROWS_PER_BATCH: usize = 250;
/// Linux reports CPU time in hundredths of a second to every program, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let started = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let measured = match arguments.as_slice() {
        ["fit", train, artefact] => measure_fit(train, artefact)?,
        ["ask", artefact, test] => measure_ask(artefact, test, started)?,
        ["embed", rows, embeddings] => measure_embedding(rows, embeddings)?,
        ["embed-each", rows, embeddings] => measure_embedding_each(rows, embeddings, started)?,
        _ => bail!("usage: measure fit|ask|embed|embed-each <input> <output or rows>"),
    };
    writeln!(std::io::stdout(), "{measured}")?;
    Ok(())
}

fn measure_fit(train: &str, artefact: &str) -> anyhow::Result<Value> {
    let encoder = shipped()?;
    let texts = read(train)?;
    let started = Instant::now();
    let (rows, featurising) = spent(|| {
        texts
            .iter()
            .map(|(text, label)| FeaturisedRow::from_text(text, Some(label), None))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let rows = rows?;
    let (batches, encoding) = spent(|| {
        (0..)
            .step_by(ROWS_PER_BATCH)
            .zip(rows.chunks(ROWS_PER_BATCH))
            .map(|(first, rows)| match &encoder {
                Some(encoder) => Batch::encoded(rows.to_vec(), encoder, |row| texts[first + row].0.as_str()),
                None => Batch::of_ngrams(rows.to_vec()),
            })
            .collect::<Vec<_>>()
    })?;
    drop(rows);
    let (fitted, fitting) = spent(|| -> anyhow::Result<_> {
        let batches = batches.iter().map(batch::encode).collect::<Result<Vec<_>, _>>()?;
        let fitted = reduce(&batches, encoder.as_ref())?;
        let bytes = fitted.model.to_bytes()?;
        std::fs::write(artefact, &bytes)?;
        Ok((fitted, bytes.len()))
    })?;
    let (fitted, artefact_bytes) = fitted?;
    Ok(json!({
        "rows": texts.len(),
        "intents": fitted.model.intents().len(),
        "featurise_cpu_seconds": featurising,
        "encode_cpu_seconds": encoding,
        "fit_cpu_seconds": fitting,
        "wall_seconds": started.elapsed().as_secs_f64(),
        "peak_bytes": peak_bytes()?,
        "artefact_bytes": artefact_bytes,
        "kernel": encoder.map(|encoder| format!("{:?}", encoder.kernel())),
    }))
}

/// What the reducer does.
fn reduce(batches: &[Vec<u8>], encoder: Option<&Encoder>) -> anyhow::Result<romashka_learning::Fitted> {
    let parameters = Parameters::default();
    let mut frequencies = DocumentFrequencies::default();
    for bytes in batches {
        frequencies.observe(&batch::decode(bytes)?.rows)?;
    }
    let mut set = TrainingSet::new(frequencies.into_vocabulary(parameters.min_df), &parameters);
    for (number, bytes) in (0..).zip(batches) {
        set.push(number, batch::decode(bytes)?)?;
    }
    set.teach_names(encoder);
    Ok(fit(&set, &parameters, &|_| ControlFlow::Continue(()))?)
}

fn measure_ask(artefact: &str, test: &str, started: Instant) -> anyhow::Result<Value> {
    let texts = read(test)?;
    let (first, _) = texts.first().context("the test file has no row")?;
    let reading = started.elapsed();
    let encoder = shipped()?;
    let model = Model::from_bytes(&std::fs::read(artefact)?)?;
    let budget = model.default_budget();
    let _first_answer = model.predict(&Message::new(first, encoder.as_ref()), budget);
    let cold = started.elapsed() - reading;

    let mut durations = Vec::with_capacity(texts.len());
    let mut outcomes = Vec::with_capacity(texts.len());
    for (text, label) in &texts {
        let asked = Instant::now();
        let prediction = model.predict(&Message::new(text, encoder.as_ref()), budget);
        durations.push(asked.elapsed());
        outcomes.push(Outcome {
            actual: Some(label.as_str()).filter(|label| *label != OUT_OF_SCOPE_LABEL),
            best: prediction.best,
            out_of_scope: prediction.out_of_scope.is_some(),
            confidence: prediction.confidence,
            raw_confidence: prediction.confidence,
            tier: prediction.tier,
        });
    }
    let as_served = Evaluation::of(&outcomes).context("the test file has no in-scope row")?;
    // The peers know no "out of scope": for their sake every row gets the best intent.
    outcomes.iter_mut().for_each(|outcome| outcome.out_of_scope = false);
    let closed = Evaluation::of(&outcomes).context("the test file has no in-scope row")?;
    Ok(json!({
        "rows": texts.len(),
        "accuracy": closed.accuracy.value,
        "macro_f1": closed.macro_f1,
        "accuracy_as_served": as_served.accuracy.value,
        "fast_share": as_served.fast_share.value,
        "query_microseconds": microseconds(&durations),
        "cold_milliseconds": cold.as_secs_f64() * 1e3,
        "peak_bytes": peak_bytes()?,
    }))
}

fn measure_embedding(rows: &str, embeddings: &str) -> anyhow::Result<Value> {
    let encoder = shipped()?.with_context(|| format!("{SHIPPED_AT} is not set"))?;
    let texts = read(rows)?;
    let texts: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
    let started = Instant::now();
    let (meanings, encoding) = spent(|| Meaning::of(&encoder, &texts))?;
    let wall = started.elapsed();
    write_vectors(embeddings, meanings.iter().map(|meaning| meaning.sentence.to_vector()))?;
    Ok(json!({
        "encode_cpu_seconds": encoding,
        "wall_seconds": wall.as_secs_f64(),
        "peak_bytes": peak_bytes()?,
    }))
}

fn measure_embedding_each(rows: &str, embeddings: &str, started: Instant) -> anyhow::Result<Value> {
    let texts = read(rows)?;
    let (first, _) = texts.first().context("the file has no row")?;
    let reading = started.elapsed();
    let encoder = shipped()?.with_context(|| format!("{SHIPPED_AT} is not set"))?;
    let mut scratch = Scratch::default();
    let _first_vector = encoder.encode(&[encoder.tokens(first)], &mut scratch);
    let cold = started.elapsed() - reading;

    let mut durations = Vec::with_capacity(texts.len());
    let mut vectors = Vec::with_capacity(texts.len());
    for (text, _) in &texts {
        let asked = Instant::now();
        let encodings = encoder.encode(&[encoder.tokens(text)], &mut scratch);
        durations.push(asked.elapsed());
        vectors.extend(encodings.into_iter().map(|encoding| encoding.sentence));
    }
    write_vectors(embeddings, vectors.into_iter())?;
    Ok(json!({
        "each_microseconds": durations.iter().map(|duration| duration.as_secs_f64() * 1e6).collect::<Vec<_>>(),
        "cold_milliseconds": cold.as_secs_f64() * 1e3,
        "peak_bytes": peak_bytes()?,
    }))
}

fn write_vectors<const N: usize>(path: &str, vectors: impl Iterator<Item = [f32; N]>) -> anyhow::Result<()> {
    let bytes: Vec<u8> = vectors.flatten().flat_map(f32::to_le_bytes).collect();
    std::fs::write(path, bytes).with_context(|| path.to_owned())
}

fn shipped() -> anyhow::Result<Option<Encoder>> {
    let package = std::env::var_os(SHIPPED_AT).filter(|path| !path.is_empty());
    Ok(package.map(|path| Encoder::open(Path::new(&path))).transpose()?)
}

fn read(path: &str) -> anyhow::Result<Vec<(String, String)>> {
    csv::Reader::from_path(path)
        .with_context(|| path.to_owned())?
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| path.to_owned())
}

/// The 50th and 99th percentile by the nearest-rank method.
fn microseconds(durations: &[Duration]) -> Value {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let rank = |percent: usize| {
        let rank = (percent * sorted.len()).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).map_or(0.0, |duration| duration.as_secs_f64() * 1e6)
    };
    json!({ "p50": rank(50), "p99": rank(99) })
}

/// Does some work, and says how many CPU-seconds it took on all threads.
fn spent<T>(work: impl FnOnce() -> T) -> anyhow::Result<(T, f64)> {
    let before = cpu_seconds()?;
    let done = work();
    Ok((done, cpu_seconds()? - before))
}

/// CPU time of this process, user's and system's.
fn cpu_seconds() -> anyhow::Result<f64> {
    /// Fields 14 and 15 of the file, counted from the third: the second is a name in brackets that may hold anything.
    const USER_AND_SYSTEM: std::ops::Range<usize> = 11..13;
    let status = std::fs::read_to_string("/proc/self/stat").context("measuring needs Linux's /proc")?;
    let (_, fields) = status.rsplit_once(") ").context("/proc/self/stat is not as documented")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(USER_AND_SYSTEM).context("/proc/self/stat is not as documented")?;
    let ticks: u64 = ticks.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>()?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// The most memory this process has had resident, mapped weights included.
fn peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("measuring needs Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("/proc/self/status has no VmHWM")?;
    let kilobytes: u64 = line.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(kilobytes * 1024)
}
