//! Starts a training session.

use romashka_domain::training::{MAX_UPLOADS, Order, SessionView, TrainingSession};
use romashka_domain::{ModelId, Permission, TrainingSessionId, UploadId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_learning::Parameters;
use romashka_store::TenantStore;
use serde::Deserialize;
use utoipa::ToSchema;

/// What to train on, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrainingSession {
    /// The uploads to learn from, 1 to 100, each `ready` or `completed_with_errors`.
    #[schema(min_items = 1, max_items = 100)]
    pub upload_ids: Vec<UploadId>,
    /// How to learn; sound values where they are left out.
    #[serde(default)]
    pub parameters: Parameters,
    /// Deploy the model by itself where the evaluation finds it better than the one that answers.
    #[serde(default)]
    pub auto_deploy: bool,
}

/// Start to train a new model version.
#[utoipa::path(
    post, path = "/v1/training-sessions", operation_id = "training.start", tag = "training",
    params(IdempotencyKey), request_body = NewTrainingSession,
    responses((status = 201, description = "Queued.", body = SessionView), Refusals)
)]
pub async fn start_session(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Train)?;
    let new: NewTrainingSession = request.json()?;
    if new.auto_deploy {
        request.authorise(Permission::Deploy)?;
    }
    new.parameters.validate().map_err(|error| invalid_field("/parameters", "invalid_parameters", error.to_string()))?;
    check_sources(&caller.store, &new.upload_ids).await?;
    let correlation_id = request.correlation_id().clone();
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("training.start", &caller, |id| async move {
            let order = Order {
                id: TrainingSessionId::new(id),
                model_id: ModelId::new(store.ids().next()),
                upload_ids: new.upload_ids,
                parameters: new.parameters,
                auto_deploy: new.auto_deploy,
                correlation_id,
                created_by: user,
            };
            let session = TrainingSession::queued(order, store.now());
            // Where there is one already, an earlier arrival of this request made it and crashed. A queued session is
            // picked up from the table's stream; nothing needs to be sent, so nothing can be forgotten.
            store.sessions().create(&session).await?;
            Reply::created(&format!("/v1/training-sessions/{id}"), &session.view(store.now()))
        })
        .await
}

async fn check_sources(store: &TenantStore, upload_ids: &[UploadId]) -> Result<(), Problem> {
    if !(1..=MAX_UPLOADS).contains(&upload_ids.len()) {
        return Err(invalid_field("/upload_ids", "out_of_range", format!("name 1 to {MAX_UPLOADS} uploads")));
    }
    for (index, id) in upload_ids.iter().enumerate() {
        let field = format!("/upload_ids/{index}");
        let Some(upload) = store.uploads().get(*id).await? else {
            return Err(invalid_field(field, "unknown_upload", "there is no such upload"));
        };
        if !upload.state.is_usable() {
            let state = upload.state.name();
            let detail =
                format!("the upload {id} is {state}; training takes uploads that are ready or completed_with_errors");
            return Err(conflict("upload_not_usable", detail));
        }
    }
    Ok(())
}
