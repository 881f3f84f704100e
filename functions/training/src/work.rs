//! Turns one batch of rows into features: the parallel part of training.

use std::time::Instant;

use romashka_domain::training::{SessionState, Stage};
use romashka_domain::{CorrelationId, Fault, TrainingSessionId};
use romashka_ingest::Record;
use romashka_learning::{FeaturisedRow, batch};
use romashka_store::TenantStore;
use romashka_store::objects::Object;
use romashka_store::queues::{BatchTask, FitTask};
use romashka_store::sessions::{BatchEffect, Recorded};
use romashka_worker::{Failure, Work};

use crate::prepare::settle;
use crate::replies::Replies;

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
    let (rows, replies) = featurise(&part)?;
    let count = rows.len() as u64;
    let unkept = |error: batch::BatchError| Failure::Unreadable(error.to_string());
    store.objects().put(&Object::Features(task.session_id, task.batch), batch::encode(&rows).map_err(unkept)?).await?;
    let replies = serde_json::to_vec(&replies).map_err(|error| Failure::Unreadable(error.to_string()))?;
    store.objects().put(&Object::Replies(task.session_id, task.batch), replies).await?;
    let effect = BatchEffect { rows: count, gb_millis: gb_millis(started) };
    match sessions.record_batch(task.session_id, task.batch, effect).await? {
        Recorded::Counted => tracing::info!(batch = task.batch, rows = count, "the batch is in"),
        Recorded::AlreadyCounted => tracing::info!(batch = task.batch, "a second delivery: the batch was in already"),
        Recorded::NotFeaturising => tracing::info!(batch = task.batch, "the session moved on meanwhile"),
    }
    fit_if_ready(store, &work.correlation_id, task.session_id).await
}

fn featurise(part: &[u8]) -> Result<(Vec<FeaturisedRow>, Replies), Failure> {
    let (mut rows, mut replies) = (Vec::new(), Replies::default());
    for line in part.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let unreadable = |column: usize| Failure::Unreadable(format!("a row of the part, column {column}"));
        let record: Record = serde_json::from_slice(line).map_err(|error| unreadable(error.column()))?;
        // Rows of one conversation stay together when the hold-out is drawn.
        let row = FeaturisedRow::from_text(&record.text, record.intent.as_deref(), record.conversation.as_deref());
        rows.push(row.map_err(|error| Failure::Unreadable(error.to_string()))?);
        replies.observe(&record);
    }
    Ok((rows, replies))
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
