//! Deletes a template, so that it can be brought back.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request};

use crate::seen::{as_read, author, changed, seen, write};

/// Delete a template.
///
/// It is kept with its versions and can be restored; its shortcut is free for others. Deleting it again changes nothing.
#[utoipa::path(
    delete, path = "/v1/templates/{template_id}", operation_id = "templates.delete", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IfMatch),
    responses((status = 200, description = "The template, deleted.", body = Template), Refusals)
)]
pub async fn delete_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let before = seen(&request, &caller).await?;
    as_read(&request, &caller, &before)?;
    if before.deleted_at.is_some() {
        return changed(&before);
    }
    let deleted = before.delete(author(&caller, None));
    changed(&write(&caller, Some(&before), deleted).await?)
}
