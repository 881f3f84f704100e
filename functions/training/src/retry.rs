//! Retries a training session.

use romashka_domain::training::SessionView;
use romashka_domain::{Permission, TrainingSessionId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request};

/// Retry a training session.
#[utoipa::path(
    post, path = "/v1/training-sessions/{session_id}/retry", operation_id = "training.retry", tag = "training",
    params(("session_id" = String, Path, format = "uuid", description = "The session."), IdempotencyKey),
    responses((status = 200, description = "Queued again. Batches that are in stay in; only the rest is done.", body = SessionView), Refusals)
)]
pub async fn retry_session(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Train)?;
    let id: TrainingSessionId = request.path_id("session_id", "training session")?;
    let store = caller.store.clone();
    request
        .once("training.retry", &caller, |request| async move {
            let sessions = store.sessions();
            let commanded =
                sessions.change(id, |session| session.command(request, |session| session.retry(store.now())));
            let session = commanded.await?;
            Ok(Reply::ok(&session.view(store.now()))?.etag(session.seq))
        })
        .await
}
