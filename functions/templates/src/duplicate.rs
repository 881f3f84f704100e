//! Makes a template of another one.

use romashka_domain::template::{Content, Template};
use romashka_domain::{Permission, TemplateId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::seen::{author, in_use, write};

/// What a copy is called.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDuplicate {
    /// Its name, 1 to 200 characters; the name of the other one where it is left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Duplicate a template: the copy is private, the caller's own, and has no shortcut.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/duplicate", operation_id = "templates.duplicate", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IdempotencyKey),
    request_body = NewDuplicate,
    responses((status = 201, description = "The copy.", body = Template), Refusals)
)]
pub async fn duplicate_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let template = in_use(&request, &caller).await?;
    let new: NewDuplicate = request.json_or_default()?;
    let name = new.name.map_or_else(|| template.content.name.clone(), |name| name.trim().to_owned());
    Content { name: name.clone(), ..template.content.clone() }.check()?;
    request
        .once("templates.duplicate", &caller, async |id| {
            let copy = template.duplicate(TemplateId::new(id), name, author(&caller, None));
            let copy = write(&caller, None, copy).await?;
            Ok(Reply::created(&format!("/v1/templates/{}", copy.id), &copy)?.etag(copy.version))
        })
        .await
}
