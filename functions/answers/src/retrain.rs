//! Starts a training session when enough corrections wait.
//!
//! That corrections were gathered for a retraining names its session. Whoever looks next finds out from the table whether
//! that session was started, and starts it where it was not, so a crash in between costs time and no correction. One
//! retraining runs at a time.

use romashka_domain::retraining::{Purpose, RetrainingPolicy, model_of, session_of};
use romashka_domain::training::{MAX_UPLOADS, Order, TrainingSession};
use romashka_domain::{CorrelationId, TrainingSessionId, UploadId, UserId};
use romashka_store::{ChangeError, Cloud, Error, TenantStore};
use romashka_worker::Failure;
use serde_json::Value;
use tracing::Instrument;

use crate::gather::{Gathered, Gathering, gather};

/// What came of looking whether to retrain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retraining {
    /// The tenant did not ask for it.
    Off,
    /// The one before is still at work.
    Running,
    /// Too few corrections wait.
    TooFew,
    /// No version is deployed whose sources could be learnt from again.
    NothingDeployed,
    /// The deployed version learnt from as many uploads as one session may draw on; somebody has to train on fewer.
    NoRoom,
    /// Somebody else gathered the corrections at the same moment, and starts the session.
    Overtaken,
    /// A session is queued.
    Started(TrainingSessionId),
}

/// Looks after every tenant that retrains. One tenant's failure does not keep the others waiting; the next run, or the
/// next correction, looks again.
pub async fn retrain_all(cloud: Cloud, _: Value) -> Result<(), Failure> {
    let (mut after, mut failed) = (None, None);
    loop {
        let tenants = cloud.retraining_tenants(after.as_ref()).await?;
        let Some(last) = tenants.last().cloned() else { break };
        for tenant in tenants {
            let store = cloud.tenant(tenant);
            let correlation_id = fresh_correlation_id(&store);
            let span = romashka_telemetry::correlated("retraining.daily", Some(store.tenant()), &correlation_id);
            if let Err(error) = retrain_if_due(&store, &correlation_id).instrument(span.clone()).await {
                span.in_scope(|| tracing::warn!(cause = %error, "whether to retrain could not be found out"));
                failed = Some(error);
            }
        }
        after = Some(last);
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Starts the session that is due, if one is.
pub async fn retrain_if_due(store: &TenantStore, correlation_id: &CorrelationId) -> Result<Retraining, ChangeError> {
    let policy = store.retraining().policy().await?;
    let retraining = match policy.by.clone().filter(|_| policy.enabled) {
        Some(by) => retrain(store, &policy, by, correlation_id).await?,
        None => Retraining::Off,
    };
    tracing::info!(?retraining, "looked whether to retrain");
    Ok(retraining)
}

async fn retrain(
    store: &TenantStore,
    policy: &RetrainingPolicy,
    by: UserId,
    correlation_id: &CorrelationId,
) -> Result<Retraining, ChangeError> {
    let latest = store.retraining().gathered().await?.retraining;
    let unstarted = match latest {
        None => None,
        Some(upload_id) => match store.sessions().get(session_of(upload_id)).await? {
            None => Some(upload_id),
            Some(session) if !session.state.is_final() => return Ok(Retraining::Running),
            Some(_) => None,
        },
    };
    // Counted first, because most corrections are followed by another before it is time.
    if unstarted.is_none() && store.feedback().waiting(policy.after_corrections).await? < policy.after_corrections {
        return Ok(Retraining::TooFew);
    }
    let Some(deployed) = deployed_session(store).await? else { return Ok(Retraining::NothingDeployed) };
    if deployed.upload_ids.len() >= MAX_UPLOADS {
        return Ok(Retraining::NoRoom);
    }
    let upload_id = match unstarted {
        Some(upload_id) => upload_id,
        None => {
            let id = UploadId::new(store.ids().next());
            let (purpose, correlation_id) = (Purpose::Retraining, correlation_id.clone());
            match gather(store, Gathering { id, purpose, by: by.clone(), correlation_id }).await? {
                Gathered::Into(upload) => upload.id,
                Gathered::NothingWaits | Gathered::Overtaken => return Ok(Retraining::Overtaken),
            }
        }
    };
    let gathered = store.retraining().gathered().await?;
    let Some(upload_ids) = gathered.sources(&deployed.upload_ids) else { return Ok(Retraining::NoRoom) };
    let order = Order {
        id: session_of(upload_id),
        model_id: model_of(upload_id),
        upload_ids,
        parameters: deployed.parameters,
        auto_deploy: policy.auto_deploy,
        correlation_id: correlation_id.clone(),
        created_by: by,
    };
    let session = TrainingSession::queued(order, store.now());
    // Where there is one already, somebody else started it a moment ago.
    store.sessions().create(&session).await?;
    Ok(Retraining::Started(session.id))
}

/// The session that made the version which answers.
async fn deployed_session(store: &TenantStore) -> Result<Option<TrainingSession>, Error> {
    let Some(deployment) = store.deployments().current().await? else { return Ok(None) };
    let Some(model) = store.models().get(deployment.version.model_id).await? else { return Ok(None) };
    store.sessions().get(model.training_session_id).await
}

fn fresh_correlation_id(store: &TenantStore) -> CorrelationId {
    let id = store.ids().next().simple().to_string();
    // 32 hexadecimal digits always are a correlation id.
    id.parse().unwrap_or_else(|_| unreachable!("a UUID is a correlation id"))
}
