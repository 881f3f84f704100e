//! Changes a template.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request};

use crate::content::NewTemplate;
use crate::seen::{author, changeable, changed, may_publish, write};

/// Change a template: what is sent takes the place of all that it held.
///
/// The same content again makes no new version.
#[utoipa::path(
    put, path = "/v1/templates/{template_id}", operation_id = "templates.update", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IfMatch),
    request_body = NewTemplate,
    responses((status = 200, description = "The template as it is now.", body = Template), Refusals)
)]
pub async fn update_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let before = changeable(&request, &caller).await?;
    let (content, reason) = request.json::<NewTemplate>()?.check()?;
    may_publish(&caller, &content)?;
    if content == before.content {
        return changed(&before);
    }
    let edited = before.edit(content, author(&caller, reason));
    changed(&write(&caller, Some(&before), edited).await?)
}
