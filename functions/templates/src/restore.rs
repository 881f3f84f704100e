//! Brings a deleted template back.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request};

use crate::content::{Reason, reason};
use crate::seen::{as_read, author, changed, seen, write};

/// Restore a deleted template. One that is not deleted stays as it is.
///
/// It is refused where another template has taken its shortcut meanwhile.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/restore", operation_id = "templates.restore", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IfMatch),
    request_body = Reason,
    responses((status = 200, description = "The template as it is now.", body = Template), Refusals)
)]
pub async fn restore_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let before = seen(&request, &caller).await?;
    as_read(&request, &caller, &before)?;
    let reason = reason(request.json_or_default::<Reason>()?.reason)?;
    if before.deleted_at.is_none() {
        return changed(&before);
    }
    let restored = before.restore(author(&caller, reason));
    changed(&write(&caller, Some(&before), restored).await?)
}
