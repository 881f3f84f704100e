//! Turns one batch of rows into features: the parallel part of training.

use std::time::Instant;

use romashka_domain::training::{SessionState, Stage};
use romashka_domain::{CorrelationId, Fault, TrainingSessionId};
use romashka_encoder::{Encoder, shipped};
use romashka_ingest::Record;
use romashka_learning::{Batch, FeaturisedRow, batch};
use romashka_store::TenantStore;
use romashka_store::objects::Object;
use romashka_store::queues::{BatchTask, FitTask};
use romashka_store::sessions::{BatchEffect, Recorded};
use romashka_worker::{Failure, Work};

use crate::embeddings::Known;
use crate::exchanges::exchanges;
use crate::notes::Notes;
use crate::prepare::settle;

/// Does one batch. What it writes depends on its rows alone, so doing it twice writes the same bytes to the same
/// place; that it counts once is the store's promise.
pub async fn work(work: Work<BatchTask>) -> Result<(), Failure> {
    let done = work_on(&work).await;
    give_up_if_last(&work, work.task.session_id, done).await
}

async fn work_on(work: &Work<BatchTask>) -> Result<(), Failure> {
    let started = Instant::now();
    let (store, task) = (&work.store, &work.task);
    let sessions = store.sessions();
    let Some(session) = sessions.get(task.session_id).await? else {
        tracing::info!("the session is gone");
        return Ok(());
    };
    if session.state != SessionState::Training || session.stage != Stage::Featurising {
        tracing::info!(state = session.state.name(), batch = task.batch, "nothing to do");
        return fit_if_ready(store, &work.correlation_id, task.session_id).await;
    }
    let Some(part) = store.objects().get(&Object::Part(task.upload_id, task.part)).await? else {
        let fault = Fault::new("part_gone", format!("the rows of upload {} are gone; upload it again", task.upload_id));
        return settle(sessions.change(task.session_id, |session| session.fail(fault.clone(), store.now())).await);
    };
    let records = read(&part)?;
    let batch = featurise(store, &records).await?;
    let count = batch.rows.len() as u64;
    let Some(upload) = store.uploads().get(task.upload_id).await? else {
        let fault = Fault::new("upload_gone", format!("upload {} is gone; upload it again", task.upload_id));
        return settle(sessions.change(task.session_id, |session| session.fail(fault.clone(), store.now())).await);
    };
    let mut notes = Notes::default();
    let exchanges = exchanges(upload.kind, &records, &batch.rows, encoder()?);
    for (record, exchange) in records.iter().zip(exchanges) {
        notes.observe(task.upload_id, record, exchange);
    }
    let unkept = |error: batch::BatchError| Failure::Unreadable(error.to_string());
    let features = batch::encode(&batch).map_err(unkept)?;
    store.objects().put(&Object::Features(task.session_id, task.batch), features).await?;
    let notes = serde_json::to_vec(&notes).map_err(|error| Failure::Unreadable(error.to_string()))?;
    store.objects().put(&Object::Notes(task.session_id, task.batch), notes).await?;
    let effect = BatchEffect { rows: count, gb_millis: gb_millis(started) };
    match sessions.record_batch(task.session_id, task.batch, effect).await? {
        Recorded::Counted => tracing::info!(batch = task.batch, rows = count, "the batch is in"),
        Recorded::AlreadyCounted => tracing::info!(batch = task.batch, "a second delivery: the batch was in already"),
        Recorded::NotFeaturising => tracing::info!(batch = task.batch, "the session moved on meanwhile"),
    }
    fit_if_ready(store, &work.correlation_id, task.session_id).await
}

fn read(part: &[u8]) -> Result<Vec<Record>, Failure> {
    let unreadable = |column: usize| Failure::Unreadable(format!("a row of the part, column {column}"));
    lines(part).map(|line| serde_json::from_slice(line).map_err(|error| unreadable(error.column()))).collect()
}

/// The rows of a part, one a line, in the order in which they are numbered.
pub(crate) fn lines(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    part.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

async fn featurise(store: &TenantStore, records: &[Record]) -> Result<Batch, Failure> {
    // Rows of one conversation stay together when the hold-out is drawn.
    let row = |record: &Record| {
        FeaturisedRow::from_text(&record.text, record.intent.as_deref(), record.conversation.as_deref())
    };
    let rows: Result<Vec<_>, _> = records.iter().map(row).collect();
    let mut rows = rows.map_err(|error| Failure::Unreadable(error.to_string()))?;
    let Some(encoder) = encoder()? else { return Ok(Batch::of_ngrams(rows)) };
    Known::load(store, encoder.id()).await?.recall(store, encoder.id(), &mut rows).await?;
    Ok(Batch::encoded(rows, encoder, |row| &records[row].text))
}

/// The encoder that came with this function. Without one the n-grams carry the model, and the report says so.
pub(crate) fn encoder() -> Result<Option<&'static Encoder>, Failure> {
    shipped().map_err(|error| Failure::Unreadable(error.to_string()))
}

/// Asks for the fit once every batch is in. Any delivery of any batch may ask, as often as it likes: the fit begins once.
pub(crate) async fn fit_if_ready(
    store: &TenantStore,
    correlation_id: &CorrelationId,
    id: TrainingSessionId,
) -> Result<(), Failure> {
    let session = store.sessions().get(id).await?;
    if session.is_some_and(|session| session.is_ready_to_fit()) {
        store.queues().send(correlation_id, [FitTask { session_id: id }]).await?;
    }
    Ok(())
}

/// Ends a session whose work has failed in every delivery, so that it does not wait for ever for a message that was set
/// apart.
pub(crate) async fn give_up_if_last<T>(
    work: &Work<T>,
    id: TrainingSessionId,
    done: Result<(), Failure>,
) -> Result<(), Failure> {
    let Err(failure) = done else { return Ok(()) };
    if work.is_last_delivery {
        let fault = Fault::new("gave_up", "a step of the training failed in every attempt; retry the session");
        settle(work.store.sessions().change(id, |session| session.fail(fault.clone(), work.store.now())).await)?;
    }
    Err(failure)
}

/// Function time since `started`, as AWS meters it: memory × time.
pub(crate) fn gb_millis(started: Instant) -> u64 {
    let memory_mb =
        std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|mb| mb.parse().ok()).unwrap_or(1024u128);
    u64::try_from(started.elapsed().as_millis() * memory_mb / 1024).unwrap_or(u64::MAX)
}
