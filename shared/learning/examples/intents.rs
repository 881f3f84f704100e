//! Trains on one CSV file of `text,category` and measures the artefact, saved and loaded again, on another.
//!
//! ```text
//! cargo run --release -p romashka-learning --example intents -- train.csv test.csv ['{"epochs": 20}']
//! ```
//!
//! Rows of category `oos`, in either file, belong to no intent. The third argument changes parameters, so that they
//! can be chosen on a split of the training rows. With `ROMASHKA_ENCODER`, the path of an encoder's package, the
//! encoder reads the rows; what it made of a file is kept beside the package of that name for the next run.

use std::{
    io::Write,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use romashka_encoder::Encoder;
use romashka_learning::{
    Batch, DocumentFrequencies, Evaluation, FeaturisedRow, Model, OUT_OF_SCOPE_LABEL, Parameters, TrainingSet, batch,
    evaluation::{Outcome, Proportion},
    fit, model_hash,
};

const ROWS_PER_BATCH: usize = 250;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (train, test, parameters) = match arguments.as_slice() {
        [train, test] => (train, test, "{}"),
        [train, test, parameters] => (train, test, parameters.as_str()),
        _ => bail!("usage: banking77 <train.csv> <test.csv> [parameters as JSON]"),
    };
    let parameters: Parameters = serde_json::from_str(parameters).context("parameters")?;
    let package = std::env::var_os("ROMASHKA_ENCODER");
    let encoder = package.map(|path| Encoder::open(path.as_ref())).transpose()?;
    let encoder = encoder.as_ref();

    let (train_batches, mapping) = timed(|| featurise(train, encoder));
    let (train_batches, test_batches) = (train_batches?, featurise(test, encoder)?);
    let (fitted, reducing) = timed(|| reduce(&train_batches, &parameters, encoder));
    let fitted = fitted?;
    let bytes = fitted.model.to_bytes()?;
    let (model, loading) = timed(|| Model::from_bytes(&bytes));
    let model = model?;
    let test = decoded(&test_batches)?;
    let rows: Vec<&FeaturisedRow> = test.iter().flat_map(|batch| &batch.rows).collect();
    let encoder = test.first().and_then(|batch| batch.encoder.as_deref());
    let (outcomes, predicting) = timed(|| judge(&model, &rows, encoder));
    let measured = Evaluation::of(&outcomes).context("the test file has no in-scope row")?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "rows            {:?}", fitted.rows)?;
    writeln!(out, "batches         {} bytes in {mapping:.2?}", total(&train_batches))?;
    writeln!(out, "reduced in      {reducing:.2?}")?;
    writeln!(out, "artefact        {} bytes, loaded in {loading:.2?}", bytes.len())?;
    writeln!(out, "model           {}", model_hash(&bytes))?;
    writeln!(out, "n-grams         {}", model.vocabulary_size())?;
    writeln!(out, "calibration     {:?}", model.manifest().calibration)?;
    writeln!(out, "one prediction  {:.2?}", predicting / u32::try_from(rows.len())?)?;
    if let Some(held_out) = &fitted.evaluation {
        writeln!(out, "on {} rows held out", fitted.held_out)?;
        report(&mut out, held_out)?;
    }
    writeln!(out, "on {} rows of the test file", rows.len())?;
    report(&mut out, &measured)?;
    Ok(())
}

fn read(path: &str) -> anyhow::Result<Vec<(String, String)>> {
    csv::Reader::from_path(path)
        .with_context(|| path.to_owned())?
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| path.to_owned())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// What the workers do.
fn featurise(path: &str, encoder: Option<&Encoder>) -> anyhow::Result<Vec<Vec<u8>>> {
    let kept = encoder.map(|encoder| format!("{path}.{}.rfb", &encoder.id()[..12]).replace('/', "_"));
    let kept = kept.map(|name| std::env::temp_dir().join(name));
    if let Some(bytes) = kept.as_ref().and_then(|kept| std::fs::read(kept).ok()) {
        return Ok(serde_json::from_slice(&bytes)?);
    }
    let rows = read(path)?;
    let encoded = rows.chunks(ROWS_PER_BATCH).map(|rows| {
        let featurised = rows
            .iter()
            .map(|(text, label)| FeaturisedRow::from_text(text, Some(label), None))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = match encoder {
            Some(encoder) => Batch::encoded(featurised, encoder, |row| &rows[row].0),
            None => Batch::of_ngrams(featurised),
        };
        Ok(batch::encode(&batch)?)
    });
    let encoded = encoded.collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(kept) = kept {
        std::fs::write(kept, serde_json::to_vec(&encoded)?)?;
    }
    Ok(encoded)
}

fn decoded(batches: &[Vec<u8>]) -> anyhow::Result<Vec<Batch>> {
    Ok(batches.iter().map(|bytes| batch::decode(bytes)).collect::<Result<_, _>>()?)
}

/// What the reducer does.
fn reduce(
    batches: &[Vec<u8>],
    parameters: &Parameters,
    encoder: Option<&Encoder>,
) -> anyhow::Result<romashka_learning::Fitted> {
    let mut frequencies = DocumentFrequencies::default();
    for bytes in batches {
        frequencies.observe(&batch::decode(bytes)?.rows)?;
    }
    let mut set = TrainingSet::new(frequencies.into_vocabulary(parameters.min_df), parameters);
    for (number, bytes) in (0..).zip(batches) {
        set.push(number, batch::decode(bytes)?)?;
    }
    set.teach_names(encoder);
    Ok(fit(&set, parameters, &|_| ControlFlow::Continue(()))?)
}

fn total(batches: &[Vec<u8>]) -> usize {
    batches.iter().map(Vec::len).sum()
}

fn judge<'data>(model: &'data Model, rows: &[&'data FeaturisedRow], encoder: Option<&str>) -> Vec<Outcome<'data>> {
    let budget = model.default_budget();
    let judge = |row: &&'data FeaturisedRow| {
        let prediction = model.predict_row(row, encoder, budget);
        Outcome {
            actual: row.label.as_deref().filter(|label| *label != OUT_OF_SCOPE_LABEL),
            best: prediction.best,
            out_of_scope: prediction.out_of_scope.is_some(),
            confidence: prediction.confidence,
            raw_confidence: prediction.confidence,
            tier: prediction.tier,
        }
    };
    rows.iter().map(judge).collect()
}

fn report(out: &mut impl Write, evaluation: &Evaluation) -> std::io::Result<()> {
    let share =
        |share: &Proportion| format!("{:.4} [{:.4}, {:.4}] of {}", share.value, share.lower, share.upper, share.of);
    writeln!(out, "  accuracy      {}", share(&evaluation.accuracy))?;
    writeln!(out, "  best intent   {}", share(&evaluation.best_intent_accuracy))?;
    writeln!(out, "  macro F1      {:.4}", evaluation.macro_f1)?;
    writeln!(out, "  calibration   {:.4}", evaluation.calibration_error)?;
    writeln!(out, "  uncalibrated  {:.4}", evaluation.calibration_error_before)?;
    writeln!(out, "  false alarms  {}", share(&evaluation.false_alarms))?;
    writeln!(out, "  fast tier     {}", share(&evaluation.fast_share))?;
    if let Some(recall) = &evaluation.out_of_scope_recall {
        writeln!(out, "  oos recall    {}", share(recall))?;
    }
    Ok(())
}
