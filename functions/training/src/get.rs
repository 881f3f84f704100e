//! One training session.

use romashka_domain::training::SessionView;
use romashka_domain::{Permission, TrainingSessionId};
use romashka_http::{Problem, Refusals, Reply, Request, not_found};

/// Get a training session: its state, stage, progress, cost so far.
#[utoipa::path(
    get, path = "/v1/training-sessions/{session_id}", operation_id = "training.get", tag = "training",
    params(("session_id" = String, Path, format = "uuid", description = "The session.")),
    responses((status = 200, description = "The session.", body = SessionView), Refusals)
)]
pub async fn get_session(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTraining)?;
    let id: TrainingSessionId = request.path_id("session_id", "training session")?;
    let session = caller.store.sessions().get(id).await?.ok_or_else(|| not_found("training session"))?;
    Ok(Reply::ok(&session.view(caller.store.now()))?.etag(session.seq))
}
