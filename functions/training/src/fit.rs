//! Fits, measures and keeps a model: the one reducer of a session.
//!
//! It reads the features of every batch twice, so that its memory is bounded by what it learns from and not by what was
//! uploaded. The artefact depends on the rows, the parameters and the code alone, so a second run, after a crash or a
//! second delivery, ends with the same bytes under the same name.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join3;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use romashka_domain::Fault;
use romashka_domain::model::{
    Decision, Deployment, DeploymentCause, KnowledgeVersion, Model as ModelVersion, Thresholds,
};
use romashka_domain::training::TrainingSession;
use romashka_learning::comparison::{Comparison, Verdict};
use romashka_learning::knowledge::{Built, Outcome, compare_outcomes};
use romashka_learning::versions::{self, Measurable};
use romashka_learning::{
    ArtefactError, Batch, DocumentFrequencies, Fitted, Model, Parameters, TrainingError, TrainingSet, batch,
    fit as fit_model, model_hash,
};
use romashka_store::claims::{Claim, Claimed};
use romashka_store::objects::Object;
use romashka_store::queues::FitTask;
use romashka_store::{ChangeError, TenantStore};
use romashka_worker::{Failure, Work, lease_seconds};

use crate::embeddings::Known;
use crate::notes::Notes;
use crate::prepare::{ignore, settle};
use crate::report::{self, Learning};
use crate::topics::Found;
use crate::work::{encoder, gb_millis, give_up_if_last};

/// How often progress is noted, which is also how soon a cancellation is noticed.
const PROGRESS_EVERY: Duration = Duration::from_millis(400);

/// Objects that are read ahead: enough to hide how long S3 takes, few enough to hold.
pub(crate) const READ_AHEAD: usize = 4;

/// Bytes of batches that are held between the two readings; what does not fit is fetched twice.
const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;

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
    let intents = learn(store, session).await?;
    if matches!(intents, Err(TrainingError::Cancelled)) {
        return Ok(());
    }
    let mut notes = notes_of(store, session).await?;
    let passages = std::mem::take(&mut notes.passages);
    // Seconds of work: this thread goes on with what the runtime has to do.
    let knowledge = tokio::task::spawn_blocking(move || Notes::learn(passages)).await.map_err(|_| Failure::Panicked)?;
    let learnt = match (intents, knowledge) {
        (Err(error), knowledge) if knowledge.is_none() || !error.is_too_little() => {
            let fault = Fault::new(code_of(&error), error.to_string());
            return settle(store.sessions().change(id, |session| session.fail(fault.clone(), store.now())).await);
        }
        (intents, knowledge) => Learnt { intents, knowledge, notes },
    };
    let sessions = store.sessions();
    let evaluating = match sessions.change(id, |session| session.begin_evaluating(store.now())).await {
        Ok(session) => session,
        Err(ChangeError::NotAllowed(refusal)) => return ignore(&refusal),
        Err(error) => return Err(error.into()),
    };
    let version = keep(store, &evaluating, learnt, started).await?;
    deploy_if_better(store, session, &version).await?;
    let spent = gb_millis(started);
    let completed = sessions.change(id, |session| {
        session.gb_millis += spent;
        session.complete(store.now())
    });
    settle(completed.await)?;
    tracing::info!(session_id = %id, millis = started.elapsed().as_millis() as u64, "the model is kept");
    Ok(())
}

/// Everything that was learnt: intents, knowledge, or both.
struct Learnt {
    /// Why there are none, where the data taught none.
    intents: Result<Intents, TrainingError>,
    knowledge: Option<(Built, Found)>,
    notes: Notes,
}

/// The intents that were learnt, and what they were learnt from.
pub(crate) struct Intents {
    pub fitted: Fitted,
    pub set: TrainingSet,
}

/// Keeps the artefacts under their hashes, then what belongs to them, and last the version that names them: a version
/// never names what is not there.
async fn keep(
    store: &TenantStore,
    session: &TrainingSession,
    learnt: Learnt,
    started: Instant,
) -> Result<ModelVersion, Failure> {
    let Learnt { intents, knowledge, notes } = learnt;
    let cases = knowledge.as_ref().map(|(built, _)| built.cases.clone()).unwrap_or_default();
    let knowledge = match knowledge {
        Some((built, topics)) => {
            topics.keep(store, session, &built.index).await?;
            Some(keep_knowledge(store, built).await?)
        }
        None => None,
    };
    let version = match (&intents, &knowledge) {
        (Ok(intents), _) => keep_intents(store, session, intents, knowledge).await?,
        (Err(_), Some(only)) => ModelVersion {
            id: session.model_id,
            model_hash: only.hash.clone(),
            data_hash: only.hash.clone(),
            size_bytes: only.size_bytes,
            training_session_id: session.id,
            parameters: session.parameters.clone(),
            encoder: encoder()?.map(|encoder| encoder.id().to_owned()),
            operating_points: Vec::new(),
            default_budget: 0.0,
            knowledge,
            comparison: None,
            intents: Vec::new(),
            evaluation: None,
            created_at: store.now(),
        },
        (Err(error), None) => return Err(Failure::Unreadable(error.to_string())),
    };
    let learning = Learning { intents: intents.as_ref(), version: &version, notes: &notes, cases };
    let report = report::compose(store, session, &learning, gb_millis(started)).await?;
    let report = serde_json::to_vec(&report).map_err(|error| Failure::Unreadable(error.to_string()))?;
    store.objects().put(&Object::Report(session.id), report).await?;
    store.models().keep(&version).await?;
    Ok(version)
}

/// Keeps a classifier and what later versions are compared with it by.
async fn keep_intents(
    store: &TenantStore,
    session: &TrainingSession,
    Intents { fitted, set }: &Intents,
    knowledge: Option<KnowledgeVersion>,
) -> Result<ModelVersion, Failure> {
    let objects = store.objects();
    let encoder = fitted.model.manifest().encoder.clone();
    let candidate = Measurable { twin: &fitted.twin, rows: &fitted.held_out_rows };
    let comparison = compare_with_deployed(store, &candidate).await?;
    let unkept = |error: ArtefactError| Failure::Unreadable(error.to_string());
    let model = &fitted.model;
    let bytes = model.to_bytes().map_err(unkept)?;
    let manifest = model.manifest();
    let version = ModelVersion {
        id: session.model_id,
        model_hash: model_hash(&bytes),
        data_hash: manifest.data_hash.clone(),
        size_bytes: bytes.len() as u64,
        training_session_id: session.id,
        parameters: session.parameters.clone(),
        encoder: encoder.clone(),
        operating_points: model.operating_points().to_vec(),
        default_budget: model.default_budget(),
        knowledge,
        comparison,
        intents: manifest.intents.clone(),
        evaluation: fitted.evaluation.clone(),
        created_at: store.now(),
    };
    let twin = fitted.twin.to_bytes().map_err(unkept)?;
    let held_out = Batch { encoder: encoder.clone(), rows: fitted.held_out_rows.clone() };
    let held_out = batch::encode(&held_out).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let [model, twin_of, held_out_of] =
        [Object::Model, Object::Twin, Object::HoldOut].map(|object| object(version.model_hash.clone()));
    try_join3(objects.put(&model, bytes), objects.put(&twin_of, twin), objects.put(&held_out_of, held_out)).await?;
    if let Some(encoder) = &encoder {
        let mut known = Known::load(store, encoder).await?;
        known.learn(session.id, set.origins());
        known.keep(store, encoder).await?;
    }
    Ok(version)
}

async fn keep_knowledge(store: &TenantStore, built: Built) -> Result<KnowledgeVersion, Failure> {
    let bytes = built.index.to_bytes().map_err(|error| Failure::Unreadable(error.to_string()))?;
    let hash = model_hash(&bytes);
    let comparison = compare_answers(store, &built.outcomes).await?;
    store.objects().put(&Object::Outcomes(hash.clone()), Outcome::to_bytes(&built.outcomes)).await?;
    let version = KnowledgeVersion {
        hash,
        passages: built.index.passages().len() as u64,
        groups: built.index.groups().len() as u64,
        left_out: built.left_out as u64,
        size_bytes: bytes.len() as u64,
        agreement: built.agreement,
        comparison,
    };
    store.objects().put(&Object::Knowledge(version.hash.clone()), bytes).await?;
    Ok(version)
}

/// A candidate's answers compared with those of the version that answers now; `None` where none does, or where it was trained
/// before outcomes were kept.
async fn compare_answers(store: &TenantStore, candidate: &[Outcome]) -> Result<Option<Comparison>, Failure> {
    let Some(deployment) = store.deployments().current().await? else { return Ok(None) };
    let Some(hash) = deployment.version.knowledge_hash else { return Ok(None) };
    let Some(bytes) = store.objects().get(&Object::Outcomes(hash)).await? else { return Ok(None) };
    Ok(compare_outcomes(&Outcome::from_bytes(&bytes), candidate))
}

/// How the candidate does beside the version that answers now; `None` where none does, or where what it was measured by
/// is gone.
async fn compare_with_deployed(store: &TenantStore, candidate: &Measurable<'_>) -> Result<Option<Comparison>, Failure> {
    let Some(deployment) = store.deployments().current().await? else { return Ok(None) };
    let hash = deployment.version.model_hash;
    let Some(twin) = store.objects().get(&Object::Twin(hash.clone())).await? else { return Ok(None) };
    let Some(rows) = store.objects().get(&Object::HoldOut(hash)).await? else { return Ok(None) };
    let (Ok(twin), Ok(batch)) = (Model::from_bytes(&twin), batch::decode(&rows)) else {
        tracing::warn!("what the deployed version was measured by cannot be read; the versions are not compared");
        return Ok(None);
    };
    Ok(versions::compare(&Measurable { twin: &twin, rows: &batch.rows }, candidate))
}

/// Deploys a version whose session asked for it, if it is better than what answers now; a first version is better than
/// nothing. Somebody who deploys at the same moment has the last word.
async fn deploy_if_better(
    store: &TenantStore,
    session: &TrainingSession,
    version: &ModelVersion,
) -> Result<(), Failure> {
    if !session.auto_deploy {
        return Ok(());
    }
    let current = store.deployments().current().await?;
    if current.as_ref().is_some_and(|current| current.version.model_id == version.id) {
        return Ok(());
    }
    let verdict = current.as_ref().and_then(|current| version.verdict_beside(&current.version));
    if current.is_some() && verdict != Some(Verdict::Better) {
        tracing::info!(?verdict, "the version is not deployed");
        return Ok(());
    }
    let decision = Decision {
        id: store.ids().next(),
        cause: DeploymentCause::Better,
        by: session.created_by.clone(),
        at: store.now(),
    };
    // Limits that somebody chose outlast the version they were chosen for.
    // The threshold of past replies is the new version's own: it was chosen by that version's agreement.
    let own = Thresholds::of(version);
    let kept = |current: &Deployment| Thresholds { reply: own.reply, ..current.version.thresholds };
    let thresholds = current.as_ref().map_or(own, kept);
    let next = Deployment::deploy(current.as_ref(), version, thresholds, decision);
    let deployed = store.deployments().supersede(current.as_ref(), &next).await?;
    tracing::info!(deployed, "the version is better");
    Ok(())
}

/// Reads the batches twice, the second time from memory as far as they fit there, and fits on threads of its own, while this one notes progress and watches for cancellation.
async fn learn(store: &TenantStore, session: &TrainingSession) -> Result<Result<Intents, TrainingError>, Failure> {
    let started = Instant::now();
    let mut frequencies = DocumentFrequencies::default();
    let mut held = Held::default();
    let mut brought = pin!(brought(store, session, |number| Object::Features(session.id, number)));
    while let Some((number, bytes)) = brought.try_next().await? {
        if let Err(error) = frequencies.observe(&decoded(&bytes)?.rows) {
            return Ok(Err(error));
        }
        held.keep(number, bytes);
    }
    let vocabulary = frequencies.into_vocabulary(session.parameters.min_df);
    let mut set = TrainingSet::new(vocabulary, &session.parameters);
    let again = stream::iter(0..session.batches_total).map(|number| {
        let held = held.batches.remove(&number);
        async move {
            match held {
                Some(bytes) => Ok((number, bytes)),
                None => brought_by(store, number, Object::Features(session.id, number)).await,
            }
        }
    });
    let mut again = pin!(again.buffered(READ_AHEAD));
    while let Some((number, bytes)) = again.try_next().await? {
        if let Err(error) = set.push(number, decoded(&bytes)?) {
            return Ok(Err(error));
        }
    }
    set.teach_names(encoder()?);
    tracing::info!(session_id = %session.id, millis = started.elapsed().as_millis() as u64, "the batches are read");
    let (permille, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let parameters = session.parameters.clone();
    let mut fitting = tokio::task::spawn_blocking({
        let (permille, stop) = (Arc::clone(&permille), Arc::clone(&stop));
        move || fit_watched(&set, &parameters, &permille, &stop).map(|fitted| Intents { fitted, set })
    });
    loop {
        match tokio::time::timeout(PROGRESS_EVERY, &mut fitting).await {
            Ok(fitted) => {
                tracing::info!(session_id = %session.id, millis = started.elapsed().as_millis() as u64, "the head is fitted");
                return fitted.map_err(|_| Failure::Panicked);
            }
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
    fit_model(set, parameters, &|progress| {
        permille.fetch_max(1000 * progress.done / progress.total.max(1), Ordering::Relaxed);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn decoded(bytes: &[u8]) -> Result<Batch, Failure> {
    batch::decode(bytes).map_err(|error| Failure::Unreadable(error.to_string()))
}

/// Batches that need not be fetched again for the second reading, as many as fit.
#[derive(Default)]
struct Held {
    batches: BTreeMap<u32, Bytes>,
    bytes: usize,
}

impl Held {
    fn keep(&mut self, number: u32, batch: Bytes) {
        if self.bytes + batch.len() <= MAX_HELD_BYTES {
            self.bytes += batch.len();
            self.batches.insert(number, batch);
        }
    }
}

async fn notes_of(store: &TenantStore, session: &TrainingSession) -> Result<Notes, Failure> {
    let mut notes = Notes::default();
    let mut brought = pin!(brought(store, session, |number| Object::Notes(session.id, number)));
    while let Some((_, bytes)) = brought.try_next().await? {
        let unreadable = |error: serde_json::Error| Failure::Unreadable(format!("{:?}", error.classify()));
        notes.merge(serde_json::from_slice(&bytes).map_err(unreadable)?);
    }
    Ok(notes)
}

/// What workers wrote of each batch before it was counted, a few read ahead.
fn brought(
    store: &TenantStore,
    session: &TrainingSession,
    object: impl Fn(u32) -> Object,
) -> impl Stream<Item = Result<(u32, Bytes), Failure>> {
    stream::iter(0..session.batches_total)
        .map(move |number| brought_by(store, number, object(number)))
        .buffered(READ_AHEAD)
}

async fn brought_by(store: &TenantStore, number: u32, object: Object) -> Result<(u32, Bytes), Failure> {
    let missing = || Failure::Unreadable(format!("what batch {number} brought is gone"));
    Ok((number, store.objects().get(&object).await?.ok_or_else(missing)?))
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
