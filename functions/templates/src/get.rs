//! One template.

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{Problem, Refusals, Reply, Request};

use crate::seen::seen;

/// Get a template, deleted or not.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}", operation_id = "templates.get", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template.")),
    responses((status = 200, description = "The template.", body = Template), Refusals)
)]
pub async fn get_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = seen(&request, &caller).await?;
    Ok(Reply::ok(&template)?.etag(template.version))
}
