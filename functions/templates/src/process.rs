//! A template and a context, made into text.

use romashka_domain::template::Format;
use romashka_domain::{Permission, TemplateId};
use romashka_http::{Problem, Refusals, Reply, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::rendering::{Processed, Ready};
use crate::seen::in_use;

/// What the variables of a template hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Values by name: `{"customer": {"name": "Ada"}}`. What the template does not define may be there too.
    #[serde(default)]
    #[schema(value_type = Object)]
    context: Map<String, Value>,
}

/// A template made into text.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessedTemplate {
    /// The template.
    template_id: TemplateId,
    /// Its version.
    version: u64,
    /// What the text is for.
    format: Format,
    /// The text, and what was missing.
    #[serde(flatten)]
    processed: Processed,
}

/// Make a template and a context into text.
///
/// A value that breaks the rules of its variable, or a required one that is not there, is refused by name; the value itself is
/// never repeated. Nothing is kept.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/process", operation_id = "templates.process", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template.")),
    request_body = Context,
    responses((status = 200, description = "The text.", body = ProcessedTemplate), Refusals)
)]
pub async fn process(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = in_use(&request, &caller).await?;
    let Context { context } = request.json_or_default()?;
    let processed = Ready::of(&template.content, caller.store.now())?.render(context)?;
    Reply::ok(&ProcessedTemplate {
        template_id: template.id,
        version: template.version,
        format: template.content.format,
        processed,
    })
}
