//! The tenant's feedback.

use romashka_domain::Permission;
use romashka_domain::feedback::Feedback;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request};

/// List feedback, that on the newest answers first.
#[utoipa::path(
    get, path = "/v1/feedback", operation_id = "feedback.list", tag = "feedback",
    params(PageQuery),
    responses((status = 200, description = "A page of feedback.", body = Listing<Feedback>), Refusals)
)]
pub async fn list_feedback(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadFeedback)?;
    let (size, cursor) = request.page()?;
    Reply::page(caller.store.feedback().list(size, cursor.as_ref()).await?)
}
