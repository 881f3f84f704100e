//! Has templates proposed from what agents wrote.

use romashka_domain::mining::{DEFAULT_LEAST_REPLIES, LEAST_REPLIES, MAX_UPLOADS, Mining};
use romashka_domain::{MiningId, Permission, UploadId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_ingest::Kind;
use romashka_store::TenantStore;
use serde::Deserialize;
use utoipa::ToSchema;

/// Whose replies are to be read, and how often something must be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMining {
    /// The uploads of the kind `conversations` whose replies are read, 1 to 20, the most important ones first: up to 50,000
    /// replies are compared.
    #[schema(min_items = 1, max_items = 20)]
    upload_ids: Vec<UploadId>,
    /// The fewest replies that a proposal stands for, 2 to 1,000; 3 where it is left out.
    #[serde(default)]
    #[schema(minimum = 2, maximum = 1000)]
    least_replies: Option<u32>,
}

/// Have reply templates proposed from what agents wrote in conversations.
///
/// Replies that share most of their words become one template, with the parts that differ as typed variables. The result says how
/// many replies each proposal covers, shows some of them, and names the conversations; it is kept for 90 days.
#[utoipa::path(
    post, path = "/v1/templates/minings", operation_id = "templates.start_mining", tag = "templates",
    params(IdempotencyKey), request_body = NewMining,
    responses((status = 201, description = "Queued.", body = Mining), Refusals)
)]
pub async fn start_mining(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::MineTemplates)?;
    let new: NewMining = request.json()?;
    let least_replies = new.least_replies.unwrap_or(DEFAULT_LEAST_REPLIES);
    if !LEAST_REPLIES.contains(&least_replies) {
        let detail = format!("must be {} to {}", LEAST_REPLIES.start(), LEAST_REPLIES.end());
        return Err(invalid_field("/least_replies", "out_of_range", detail));
    }
    check_sources(&caller.store, &new.upload_ids).await?;
    let correlation_id = request.correlation_id().clone();
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("templates.start_mining", &caller, |id| async move {
            let mining =
                Mining::queued(MiningId::new(id), new.upload_ids, least_replies, correlation_id, user, store.now());
            // As with training, a queued mining is picked up from the table's stream.
            store.minings().create(&mining).await?;
            Reply::created(&format!("/v1/templates/minings/{id}"), &mining)
        })
        .await
}

async fn check_sources(store: &TenantStore, upload_ids: &[UploadId]) -> Result<(), Problem> {
    if !(1..=MAX_UPLOADS).contains(&upload_ids.len()) {
        return Err(invalid_field("/upload_ids", "out_of_range", format!("name 1 to {MAX_UPLOADS} uploads")));
    }
    for (at, id) in upload_ids.iter().enumerate() {
        let field = format!("/upload_ids/{at}");
        if upload_ids[..at].contains(id) {
            return Err(invalid_field(field, "named_twice", "is named twice; name it once"));
        }
        let Some(upload) = store.uploads().get(*id).await? else {
            return Err(invalid_field(field, "unknown_upload", "there is no such upload"));
        };
        if upload.kind != Kind::Conversations {
            let detail = format!("is of the kind `{}`; replies are read from uploads of `conversations`", upload.kind);
            return Err(invalid_field(field, "wrong_kind", detail));
        }
        if !upload.state.is_usable() {
            let state = upload.state.name();
            let detail =
                format!("the upload {id} is {state}; mining takes uploads that are ready or completed_with_errors");
            return Err(conflict("upload_not_usable", detail));
        }
    }
    Ok(())
}
