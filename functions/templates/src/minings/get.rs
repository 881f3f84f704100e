//! One mining.

use romashka_domain::Permission;
use romashka_domain::mining::Mining;
use romashka_http::{Caller, Problem, Refusals, Reply, Request, not_found};

use super::WHAT;

/// Get a mining: where it stands, and in numbers what it found.
#[utoipa::path(
    get, path = "/v1/templates/minings/{mining_id}", operation_id = "templates.get_mining", tag = "templates",
    params(("mining_id" = String, Path, format = "uuid", description = "The mining.")),
    responses((status = 200, description = "The mining.", body = Mining), Refusals)
)]
pub async fn get_mining(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let mining = named(&request, &caller).await?;
    Ok(Reply::ok(&mining)?.etag(mining.seq))
}

/// The mining that the path names.
pub(super) async fn named(request: &Request, caller: &Caller) -> Result<Mining, Problem> {
    let id = request.path_id("mining_id", WHAT)?;
    caller.store.minings().get(id).await?.ok_or_else(|| not_found(WHAT))
}
