//! Makes a template.

use romashka_domain::template::Template;
use romashka_domain::{Permission, TemplateId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request};

use crate::content::NewTemplate;
use crate::seen::{author, may_publish, write};

/// Make a template.
#[utoipa::path(
    post, path = "/v1/templates", operation_id = "templates.create", tag = "templates",
    params(IdempotencyKey), request_body = NewTemplate,
    responses((status = 201, description = "The template.", body = Template), Refusals)
)]
pub async fn create_template(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let (content, reason) = request.json::<NewTemplate>()?.check()?;
    may_publish(&caller, &content)?;
    request
        .once("templates.create", &caller, async |id| {
            let made = Template::create(TemplateId::new(id), content, author(&caller, reason));
            let template = write(&caller, None, made).await?;
            Ok(Reply::created(&format!("/v1/templates/{}", template.id), &template)?.etag(template.version))
        })
        .await
}
