//! What a mining proposes.

use romashka_domain::Permission;
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request, invalid_field};
use romashka_store::{Cursor, Page};

use super::get::named;
use super::proposals::{NumberedProposal, proposals};

/// Bytes of a page: an answer of a function has six megabytes at most.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// List what a mining proposes: templates of whole replies, then of passages, those that cover most first.
///
/// Each has the replies that it covers, their share of all, some of them as examples, and the conversations.
#[utoipa::path(
    get, path = "/v1/templates/minings/{mining_id}/proposals", operation_id = "templates.list_proposals",
    tag = "templates",
    params(("mining_id" = String, Path, format = "uuid", description = "The mining."), PageQuery),
    responses((status = 200, description = "A page of proposals.", body = Listing<NumberedProposal>), Refusals)
)]
pub async fn list_proposals(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let mining = named(&request, &caller).await?;
    let (size, cursor) = request.page()?;
    let start = cursor.map_or(Some(0), |cursor| cursor.position()).ok_or_else(|| {
        invalid_field("cursor", "invalid_cursor", "give the `next_cursor` of the page before, as it was")
    })?;
    let all = proposals(&caller.store, &mining).await?;
    let there = all.len();
    let (mut items, mut bytes) = (Vec::new(), 0);
    for proposal in all.into_iter().skip(start).take(size.get()) {
        bytes += serde_json::to_vec(&proposal).map_err(|error| Problem::internal(error.to_string()))?.len();
        if bytes > MAX_PAGE_BYTES && !items.is_empty() {
            break;
        }
        items.push(proposal);
    }
    let end = start.saturating_add(items.len());
    let next = (end < there).then(|| Cursor::at(end));
    Reply::page(Page { items, next })
}
