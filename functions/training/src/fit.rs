//! Fits, measures and keeps a model: the one reducer of a session.
//!
//! It reads the features of every batch twice, so that its memory is bounded by what it learns from and not by what was
//! uploaded. The artefact depends on the rows, the parameters and the code alone, so a second run, after a crash or a
//! second delivery, ends with the same bytes under the same name.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use romashka_domain::model::Model as ModelVersion;
use romashka_domain::training::TrainingSession;
use romashka_domain::{Fault, TrainingSessionId};
use romashka_learning::{
    ArtefactError, DocumentFrequencies, FeaturisedRow, Fitted, Parameters, TrainingError, TrainingSet, batch,
    fit as fit_model, model_hash,
};
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::Object;
use romashka_store::queues::FitTask;
use romashka_store::{ChangeError, TenantStore};
use romashka_worker::{Failure, Work, lease_seconds};

use crate::prepare::{ignore, settle};
use crate::replies::Replies;
use crate::work::{gb_millis, give_up_if_last};

/// How often progress is noted, which is also how soon a cancellation is noticed.
const PROGRESS_EVERY: Duration = Duration::from_millis(400);

/// Fits the model of a session whose batches are all in.
pub async fn fit(work: Work<FitTask>) -> Result<(), Failure> {
    let (store, id) = (&work.store, work.task.session_id);
    let sessions = store.sessions();
    let begun =
        sessions.change(id, |session| if session.is_fitting() { Ok(()) } else { session.begin_fitting(store.now()) });
    let session = match begun.await {
        Ok(session) => session,
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(error) => return Err(error.into()),
    };
    let claim = Claim::new("fit", id, session.attempt);
    match store.claims().take(&claim, lease_seconds()).await? {
        Claimed::Granted => {}
        Claimed::Busy => return Err(Failure::Busy("training session")),
    }
    let done = fit_session(store, &session).await;
    store.claims().release(&claim).await?;
    give_up_if_last(&work, id, done).await
}

async fn fit_session(store: &TenantStore, session: &TrainingSession) -> Result<(), Failure> {
    let started = Instant::now();
    let id = session.id;
    let fitted = match learn(store, session).await? {
        Ok(fitted) => fitted,
        Err(TrainingError::Cancelled) => return Ok(()),
        Err(error) => {
            let fault = Fault::new(code_of(&error), error.to_string());
            return settle(store.sessions().change(id, |session| session.fail(fault.clone(), store.now())).await);
        }
    };
    let sessions = store.sessions();
    match sessions.change(id, |session| session.begin_evaluating(store.now())).await {
        Ok(_) => {}
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(error) => return Err(error.into()),
    }
    keep(store, session, fitted).await?;
    let spent = gb_millis(started);
    let completed = sessions.change(id, |session| {
        session.gb_millis += spent;
        session.complete(store.now())
    });
    settle(completed.await)?;
    tracing::info!(session_id = %id, millis = started.elapsed().as_millis() as u64, "the model is kept");
    Ok(())
}

/// Keeps the artefact under its hash, then the version that names it: a version never names what is not there.
async fn keep(store: &TenantStore, session: &TrainingSession, fitted: Fitted) -> Result<(), Failure> {
    let manifest = fitted.model.manifest();
    let (data_hash, intents) = (manifest.data_hash.clone(), manifest.intents.clone());
    let replies = replies_of(store, session).await?.best(&intents);
    let unkept = |error: ArtefactError| Failure::Unreadable(error.to_string());
    let bytes = fitted.model.with_replies(replies).and_then(|model| model.to_bytes()).map_err(unkept)?;
    let version = ModelVersion {
        id: session.model_id,
        model_hash: model_hash(&bytes),
        data_hash,
        size_bytes: bytes.len() as u64,
        training_session_id: session.id,
        parameters: session.parameters.clone(),
        intents,
        evaluation: fitted.evaluation,
        created_at: store.now(),
    };
    store.objects().put(&Object::Model(version.model_hash.clone()), bytes).await?;
    store.models().keep(&version).await?;
    Ok(())
}

/// Reads the batches twice and fits on a thread of its own, while this one notes progress and watches for cancellation.
async fn learn(store: &TenantStore, session: &TrainingSession) -> Result<Result<Fitted, TrainingError>, Failure> {
    let mut frequencies = DocumentFrequencies::default();
    for number in 0..session.batches_total {
        if let Err(error) = frequencies.observe(&features_of(store, session.id, number).await?) {
            return Ok(Err(error));
        }
    }
    let mut set = TrainingSet::new(frequencies.into_vocabulary(session.parameters.min_df));
    for number in 0..session.batches_total {
        if let Err(error) = set.push(&features_of(store, session.id, number).await?) {
            return Ok(Err(error));
        }
    }
    let (permille, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let parameters = session.parameters.clone();
    let mut fitting = tokio::task::spawn_blocking({
        let (permille, stop) = (Arc::clone(&permille), Arc::clone(&stop));
        move || fit_watched(&set, &parameters, &permille, &stop)
    });
    loop {
        match tokio::time::timeout(PROGRESS_EVERY, &mut fitting).await {
            Ok(fitted) => return fitted.map_err(|_| Failure::Panicked),
            Err(_) => {
                let fitted = permille.load(Ordering::Relaxed);
                match store.sessions().change(session.id, |session| session.fitted(fitted, store.now())).await {
                    Ok(_) => {}
                    Err(ChangeError::NotAllowed(_) | ChangeError::NotFound(_)) => stop.store(true, Ordering::Relaxed),
                    // Progress is worth less than the fit.
                    Err(ChangeError::Store(error)) => tracing::warn!(cause = %error, "progress could not be noted"),
                }
            }
        }
    }
}

fn fit_watched(
    set: &TrainingSet,
    parameters: &Parameters,
    permille: &AtomicU32,
    stop: &AtomicBool,
) -> Result<Fitted, TrainingError> {
    fit_model(set, parameters, &mut |progress| {
        permille.store(1000 * progress.done / progress.total.max(1), Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

async fn features_of(store: &TenantStore, id: TrainingSessionId, number: u32) -> Result<Vec<FeaturisedRow>, Failure> {
    let bytes = of_batch(store, &Object::Features(id, number), number).await?;
    batch::decode(&bytes).map_err(|error| Failure::Unreadable(error.to_string()))
}

async fn replies_of(store: &TenantStore, session: &TrainingSession) -> Result<Replies, Failure> {
    let mut replies = Replies::default();
    for number in 0..session.batches_total {
        let bytes = of_batch(store, &Object::Replies(session.id, number), number).await?;
        replies.merge(
            serde_json::from_slice(&bytes).map_err(|error| Failure::Unreadable(format!("{:?}", error.classify())))?,
        );
    }
    Ok(replies)
}

/// What a worker wrote of a batch before it was counted; both objects were written by then.
async fn of_batch(store: &TenantStore, object: &Object, number: u32) -> Result<Bytes, Failure> {
    let missing = || Failure::Unreadable(format!("what batch {number} brought is gone"));
    store.objects().get(object).await?.ok_or_else(missing)
}

fn code_of(error: &TrainingError) -> &'static str {
    match error {
        TrainingError::TooFewIntents { .. } => "too_few_intents",
        TrainingError::TooFewRows { .. } => "too_few_rows",
        TrainingError::TooManyIntents => "too_many_intents",
        TrainingError::TooManyRows => "too_many_rows",
        TrainingError::TooMuchText => "too_much_text",
        TrainingError::NothingInCommon => "nothing_in_common",
        TrainingError::Parameter(_) => "invalid_parameters",
        TrainingError::Cancelled => "cancelled",
    }
}
