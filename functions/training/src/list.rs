//! The tenant's training sessions.

use romashka_domain::Permission;
use romashka_domain::training::SessionView;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request};
use romashka_store::Page;

/// List training sessions, newest first.
#[utoipa::path(
    get, path = "/v1/training-sessions", operation_id = "training.list", tag = "training",
    params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = Listing<SessionView>), Refusals)
)]
pub async fn list_sessions(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTraining)?;
    let (size, cursor) = request.page()?;
    let page = caller.store.sessions().list(size, cursor.as_ref()).await?;
    let now = caller.store.now();
    Reply::page(Page { items: page.items.iter().map(|session| session.view(now)).collect(), next: page.next })
}
