//! Splits a session's sources into batches and sends each to the workers.

use romashka_domain::training::{MAX_BATCHES, SessionState, Stage, TrainingSession};
use romashka_domain::{Fault, NotAllowed};
use romashka_store::queues::{BatchTask, PrepareTask};
use romashka_store::{ChangeError, TenantStore};
use romashka_worker::{Failure, Work};

use crate::work::{fit_if_ready, give_up_if_last};

/// Prepares a session. A second delivery sends again what is not in yet, which the workers know to be the same work.
pub async fn prepare(work: Work<PrepareTask>) -> Result<(), Failure> {
    let done = prepare_session(&work).await;
    give_up_if_last(&work, work.task.session_id, done).await
}

async fn prepare_session(work: &Work<PrepareTask>) -> Result<(), Failure> {
    let sessions = work.store.sessions();
    let id = work.task.session_id;
    let begun = sessions
        .change(id, |session| if is_featurising(session) { Ok(()) } else { session.begin_preparing(work.store.now()) });
    let session = match begun.await {
        Ok(session) => session,
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(error) => return Err(error.into()),
    };
    let batches = match split(&work.store, &session).await? {
        Ok(batches) => batches,
        Err(fault) => {
            return settle(sessions.change(id, |session| session.fail(fault.clone(), work.store.now())).await);
        }
    };
    let total = u32::try_from(batches.len()).unwrap_or(u32::MAX);
    let recorded = sessions.recorded_batches(id).await?;
    let done = u32::try_from(recorded.len()).unwrap_or(u32::MAX);
    let rows = recorded.values().map(|effect| effect.rows).sum();
    // Nothing is counted while a session is being prepared, so what was recorded before still holds.
    let training = sessions.change(id, |session| {
        if is_featurising(session) { Ok(()) } else { session.begin_training(total, done, rows, work.store.now()) }
    });
    match training.await {
        Ok(_) => {}
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(error) => return Err(error.into()),
    }
    let missing = batches.into_iter().filter(|task| !recorded.contains_key(&task.batch));
    work.store.queues().send(&work.correlation_id, missing).await?;
    // A retried session may have every batch in already.
    fit_if_ready(&work.store, &work.correlation_id, id).await
}

fn is_featurising(session: &TrainingSession) -> bool {
    session.state == SessionState::Training && session.stage == Stage::Featurising
}

/// One batch for each part of each upload, in an order that depends on the session alone.
pub(crate) async fn split(
    store: &TenantStore,
    session: &TrainingSession,
) -> Result<Result<Vec<BatchTask>, Fault>, Failure> {
    let mut batches = Vec::new();
    for upload_id in &session.upload_ids {
        let Some(upload) = store.uploads().get(*upload_id).await? else {
            let message = format!("the upload {upload_id} is gone; start a session without it");
            return Ok(Err(Fault::new("upload_gone", message)));
        };
        for part in upload.part_numbers() {
            let batch = u32::try_from(batches.len()).unwrap_or(u32::MAX);
            batches.push(BatchTask { session_id: session.id, batch, upload_id: *upload_id, part });
        }
    }
    if batches.len() > MAX_BATCHES as usize {
        let message = format!("the uploads make {} batches; one session takes at most {MAX_BATCHES}", batches.len());
        return Ok(Err(Fault::new("too_many_batches", message)));
    }
    Ok(Ok(batches))
}

/// The session moved on without this message: cancelled, or prepared by an earlier delivery.
pub(crate) fn ignore(refusal: &NotAllowed) -> Result<(), Failure> {
    tracing::info!(%refusal, "nothing to do");
    Ok(())
}

/// Takes it that somebody else may have ended the session first.
pub(crate) fn settle(changed: Result<TrainingSession, ChangeError>) -> Result<(), Failure> {
    match changed {
        Ok(_) => Ok(()),
        Err(ChangeError::NotAllowed(refusal)) => ignore(&refusal),
        Err(error) => Err(error.into()),
    }
}
