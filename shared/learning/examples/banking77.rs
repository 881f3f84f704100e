//! Trains on one CSV file of `text,category` and measures the artefact, saved and loaded again, on another.
//!
//! ```text
//! cargo run --release -p romashka-learning --example banking77 -- train.csv test.csv ['{"epochs": 20}']
//! ```
//!
//! Rows of category `oos`, in either file, belong to no intent. The third argument changes parameters, so that they
//! can be chosen on a split of the training rows.

use std::{
    io::Write,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use romashka_learning::{
    DocumentFrequencies, Evaluation, FeaturisedRow, Model, OUT_OF_SCOPE_LABEL, Parameters, TrainingSet, batch,
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
    let (train, test) = (read(train)?, read(test)?);

    let (batches, mapping) = timed(|| featurise(&train));
    let batches = batches?;
    let (fitted, reducing) = timed(|| reduce(&batches, &parameters));
    let fitted = fitted?;
    let bytes = fitted.model.to_bytes()?;
    let (model, loading) = timed(|| Model::from_bytes(&bytes));
    let model = model?;
    let (outcomes, predicting) = timed(|| judge(&model, &test));
    let measured = Evaluation::of(&outcomes).context("the test file has no in-scope row")?;

    let mut out = std::io::stdout().lock();
    writeln!(out, "rows            {:?}", fitted.rows)?;
    writeln!(out, "batches         {} bytes in {mapping:.2?}", total(&batches))?;
    writeln!(out, "reduced in      {reducing:.2?}")?;
    writeln!(out, "artefact        {} bytes, loaded in {loading:.2?}", bytes.len())?;
    writeln!(out, "model           {}", model_hash(&bytes))?;
    writeln!(out, "n-grams         {}", model.vocabulary_size())?;
    writeln!(out, "calibration     {:?}", model.manifest().calibration)?;
    writeln!(out, "one prediction  {:.2?}", predicting / u32::try_from(test.len())?)?;
    if let Some(held_out) = &fitted.evaluation {
        writeln!(out, "on {} rows held out", fitted.held_out)?;
        report(&mut out, held_out)?;
    }
    writeln!(out, "on {} rows of the test file", test.len())?;
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
fn featurise(rows: &[(String, String)]) -> anyhow::Result<Vec<Vec<u8>>> {
    let encoded = rows.chunks(ROWS_PER_BATCH).map(|rows| {
        let rows = rows
            .iter()
            .map(|(text, label)| FeaturisedRow::from_text(text, Some(label), None))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(batch::encode(&rows)?)
    });
    encoded.collect()
}

/// What the reducer does.
fn reduce(batches: &[Vec<u8>], parameters: &Parameters) -> anyhow::Result<romashka_learning::Fitted> {
    let mut frequencies = DocumentFrequencies::default();
    for batch in batches {
        frequencies.observe(&batch::decode(batch)?)?;
    }
    let mut set = TrainingSet::new(frequencies.into_vocabulary(parameters.min_df));
    for batch in batches {
        set.push(&batch::decode(batch)?)?;
    }
    Ok(fit(&set, parameters, &mut |_| ControlFlow::Continue(()))?)
}

fn total(batches: &[Vec<u8>]) -> usize {
    batches.iter().map(Vec::len).sum()
}

fn judge<'data>(model: &'data Model, rows: &'data [(String, String)]) -> Vec<Outcome<'data>> {
    rows.iter()
        .map(|(text, label)| {
            let prediction = model.predict(text);
            Outcome {
                actual: (label != OUT_OF_SCOPE_LABEL).then_some(label),
                best: prediction.best,
                out_of_scope: prediction.out_of_scope.is_some(),
                confidence: prediction.confidence,
                raw_confidence: prediction.confidence,
            }
        })
        .collect()
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
    if let Some(recall) = &evaluation.out_of_scope_recall {
        writeln!(out, "  oos recall    {}", share(recall))?;
    }
    Ok(())
}
