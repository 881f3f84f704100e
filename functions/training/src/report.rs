//! The report on a session, put together once its model is there.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use romashka_domain::model::Model as ModelVersion;
use romashka_domain::training::TrainingSession;
use romashka_ingest::Record;
use romashka_learning::knowledge::Case;
use romashka_learning::report::{
    ConfusionExamples, Cost, Encoder, MAX_EXAMPLES, Provenance, Reliability, ReliabilityBin, Report, Rightness, Source,
    StageTime, quoted_rows,
};
use romashka_learning::scope::{ScopeCurve, ScopeRow, Standing};
use romashka_learning::training::Measured;
use romashka_learning::{CODE_VERSION, TrainingError, TrainingSet};
use romashka_store::TenantStore;
use romashka_store::objects::Object;
use romashka_store::queues::BatchTask;
use romashka_worker::Failure;

use crate::fit::{Intents, READ_AHEAD};
use crate::notes::Notes;
use crate::prepare::split;
use crate::work::lines;

/// Parts that are read again for the sake of examples.
const MAX_PARTS: usize = 64;

/// What a report is about.
pub(crate) struct Learning<'session> {
    /// Why there are none, where the data taught none.
    pub intents: Result<&'session Intents, &'session TrainingError>,
    pub version: &'session ModelVersion,
    pub notes: &'session Notes,
    /// Past questions beside the machine's and the person's answers.
    pub cases: Vec<Case>,
}

/// Where a row lies: its batch, and its line there.
type Place = (u32, u32);

/// Puts the report together. `gb_millis` is what the fit has cost so far.
pub(crate) async fn compose(
    store: &TenantStore,
    session: &TrainingSession,
    learning: &Learning<'_>,
    gb_millis: u64,
) -> Result<Report, Failure> {
    let Learning { intents, version, notes, cases } = learning;
    let (set, measured) = match intents {
        Ok(Intents { fitted, set }) => (Some(set), fitted.measured.as_slice()),
        Err(_) => (None, Default::default()),
    };
    let confusions = version.evaluation.as_ref().map(|evaluation| evaluation.confusions.as_slice()).unwrap_or_default();
    let findings = set.map(|set| set.findings(confusions)).transpose();
    let findings = findings.map_err(|error| Failure::Unreadable(error.to_string()))?;
    let origins: BTreeMap<String, Place> = set
        .into_iter()
        .flat_map(TrainingSet::origins)
        .map(|origin| (origin.content.to_string(), (origin.batch, origin.position)))
        .collect();
    let rows = findings.as_ref().map(quoted_rows).unwrap_or_default();
    let quoted: BTreeMap<&str, Place> = rows.into_iter().filter_map(|row| Some((row, *origins.get(row)?))).collect();
    let mistaken: Vec<Vec<Place>> = confusions
        .iter()
        .map(|confusion| {
            let same = |row: &&Measured| {
                row.actual.as_deref() == Some(&confusion.actual)
                    && (!row.out_of_scope).then_some(&row.best) == confusion.predicted.as_ref()
            };
            measured.iter().filter(same).take(MAX_EXAMPLES).map(|row| row.origin).collect()
        })
        .collect();
    let batches = split(store, session).await?.unwrap_or_default();
    let places = quoted.values().chain(mistaken.iter().flatten()).copied().collect();
    let texts = texts_of(store, &batches, places).await?;
    let examples = confusions.iter().zip(&mistaken).map(|(confusion, places)| ConfusionExamples {
        actual: confusion.actual.clone(),
        predicted: confusion.predicted.clone(),
        count: confusion.count,
        examples: places.iter().filter_map(|place| texts.get(place).cloned()).collect(),
    });
    let report = Report {
        created_at: store.now().to_string(),
        provenance: Provenance {
            model_hash: version.model_hash.clone(),
            data_hash: version.data_hash.clone(),
            code_version: CODE_VERSION,
        },
        parameters: session.parameters.clone(),
        sources: sources(&batches, set, notes),
        languages: notes.languages.clone(),
        encoder: if version.encoder.is_some() { Encoder::Present } else { Encoder::Absent },
        no_intents: intents.err().map(ToString::to_string),
        passages: version.knowledge.as_ref().map_or(0, |knowledge| knowledge.passages),
        agreement: version.knowledge.as_ref().and_then(|knowledge| knowledge.agreement.clone()),
        cases: cases.clone(),
        evaluation: version.evaluation.clone(),
        confusions: examples.collect(),
        reliability: reliability(measured),
        scope: scope(measured),
        comparison: version.comparison.clone(),
        texts: quoted.iter().filter_map(|(row, place)| Some(((*row).to_owned(), texts.get(place)?.clone()))).collect(),
        findings,
        cost: cost(store, session, gb_millis),
    };
    Ok(report.bounded())
}

/// The texts at some places, as far as their parts are still there.
async fn texts_of(
    store: &TenantStore,
    batches: &[BatchTask],
    places: BTreeSet<Place>,
) -> Result<BTreeMap<Place, String>, Failure> {
    let mut wanted: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (batch, line) in places {
        wanted.entry(batch).or_default().push(line);
    }
    let read = |(batch, wanted): (u32, Vec<u32>)| async move {
        let Some(task) = batches.get(batch as usize) else { return Ok(Vec::new()) };
        let Some(part) = store.objects().get(&Object::Part(task.upload_id, task.part)).await? else {
            return Ok(Vec::new());
        };
        let named = (0..).zip(lines(&part)).filter(|(number, _)| wanted.contains(number));
        let text = |(number, line)| Some(((batch, number), serde_json::from_slice::<Record>(line).ok()?.text));
        Ok::<_, Failure>(named.filter_map(text).collect())
    };
    let parts: Vec<Vec<_>> =
        stream::iter(wanted.into_iter().take(MAX_PARTS)).map(read).buffered(READ_AHEAD).try_collect().await?;
    Ok(parts.into_iter().flatten().collect())
}

fn sources(batches: &[BatchTask], set: Option<&TrainingSet>, notes: &Notes) -> Vec<Source> {
    let mut kept: BTreeMap<_, u64> = BTreeMap::new();
    for origin in set.into_iter().flat_map(TrainingSet::origins) {
        if let Some(task) = batches.get(origin.batch as usize) {
            *kept.entry(task.upload_id).or_default() += 1;
        }
    }
    let source = |(upload, tally): (_, &crate::notes::Tally)| Source {
        upload_id: format!("{upload}"),
        rows: tally.rows,
        duplicates: set
            .map_or(0, |_| (tally.rows - tally.unlabelled).saturating_sub(kept.get(upload).copied().unwrap_or(0))),
        unlabelled: tally.unlabelled,
    };
    notes.rows.iter().map(source).collect()
}

fn reliability(measured: &[Measured]) -> Option<Reliability> {
    let bins = |confidence: fn(&Measured) -> f32| {
        let in_scope = measured.iter().filter_map(|row| {
            let right = row.actual.as_ref()? == &row.best;
            Some((confidence(row), if right { Rightness::Right } else { Rightness::Wrong }))
        });
        ReliabilityBin::of(&in_scope.collect::<Vec<_>>())
    };
    let reliability = Reliability { before: bins(|row| row.raw_confidence), after: bins(|row| row.confidence) };
    (!reliability.after.is_empty()).then_some(reliability)
}

fn scope(measured: &[Measured]) -> Option<ScopeCurve> {
    let row = |row: &Measured| ScopeRow {
        score: row.familiarity,
        standing: match &row.actual {
            None => Standing::OutOfScope,
            Some(actual) if *actual == row.best => Standing::Right,
            Some(_) => Standing::Wrong,
        },
    };
    ScopeCurve::of(&measured.iter().map(row).collect::<Vec<_>>()).ok()
}

fn cost(store: &TenantStore, session: &TrainingSession, gb_millis: u64) -> Cost {
    let ends = session.transitions.iter().skip(1).map(|next| next.at).chain([store.now()]);
    let stage = |(begun, ended): (&romashka_domain::feed::Transition<_>, romashka_domain::Timestamp)| StageTime {
        stage: romashka_domain::training::SessionState::name(begun.state).to_owned(),
        seconds: ended.duration_since(begun.at).as_secs_f64(),
    };
    Cost {
        gb_seconds: (session.gb_millis + gb_millis) as f64 / 1000.0,
        stages: session.transitions.iter().zip(ends).map(stage).collect(),
    }
}
