//! Sets a template back to an earlier version.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request};

use crate::content::{Reason, reason};
use crate::seen::{author, changeable, changed, write};
use crate::versions::version;

/// Set a template back to an earlier version, which makes a new one.
///
/// Who sees it stays as it is. It is refused where another template has taken the earlier version's shortcut.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/versions/{version}/restore", operation_id = "templates.versions.restore",
    tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("version" = u64, Path, description = "The version, from 1."),
        IfMatch,
    ),
    request_body = Reason,
    responses((status = 200, description = "The template as it is now.", body = Template), Refusals)
)]
pub async fn revert_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let before = changeable(&request, &caller).await?;
    let reason = reason(request.json_or_default::<Reason>()?.reason)?;
    let earlier = version(&caller, &before, request.path_id("version", "template version")?).await?;
    let reverted = before.revert(&earlier, author(&caller, reason));
    if reverted.template.content == before.content {
        return changed(&before);
    }
    changed(&write(&caller, Some(&before), reverted).await?)
}
