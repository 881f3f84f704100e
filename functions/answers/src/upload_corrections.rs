//! Makes an upload of the corrections that wait, for somebody to train on.

use romashka_domain::retraining::Purpose;
use romashka_domain::upload::Upload;
use romashka_domain::{Permission, UploadId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict};

use crate::gather::{Gathered, Gathering, gather};

/// Make the corrections that are not yet learnt into an upload, which can be trained on like any other.
///
/// It takes up to 10,000 corrections, those of the oldest answers first. They wait no more and count no more for
/// retraining.
#[utoipa::path(
    post, path = "/v1/feedback/uploads", operation_id = "feedback.upload", tag = "feedback",
    params(IdempotencyKey),
    responses((status = 201, description = "Ready to be trained on.", body = Upload), Refusals)
)]
pub async fn upload_corrections(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Retrain)?;
    let correlation_id = request.correlation_id().clone();
    let (store, by) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("feedback.upload", &caller, |id| async move {
            let gathering = Gathering { id: UploadId::new(id), purpose: Purpose::Upload, by, correlation_id };
            match gather(&store, gathering).await? {
                Gathered::Into(upload) => Reply::created(&format!("/v1/uploads/{id}"), &*upload),
                Gathered::NothingWaits => Err(conflict("no_corrections", "no correction waits to be learnt")),
                Gathered::Overtaken => {
                    let detail = "corrections were gathered by somebody else at the same moment; look at the uploads";
                    Err(conflict("state_conflict", detail))
                }
            }
        })
        .await
}
