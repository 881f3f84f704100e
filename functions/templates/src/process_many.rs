//! One template and many contexts.

use romashka_domain::template::{Format, Violation};
use romashka_domain::{Permission, TemplateId};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::rendering::{Processed, Ready, Refusal};
use crate::seen::in_use;

/// Contexts of one request.
const MOST_CONTEXTS: usize = 1_000;
/// Bytes of a request: a Lambda function is given six megabytes, and what is not ASCII may be written longer.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of text that one answer carries.
const MOST_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// What the variables hold, time after time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// 1 to 1,000 contexts, each as `process` takes it.
    #[schema(min_items = 1, max_items = 1000, value_type = Vec<Object>)]
    contexts: Vec<Map<String, Value>>,
}

/// What one context led to: a text, or why not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The text.
    Text(Processed),
    /// Values break the rules of their variables.
    InvalidContext {
        /// Each of them.
        violations: Vec<Violation>,
    },
    /// The template meets a bound or a value that it cannot work on, or the answer is full.
    CannotRender {
        /// Why.
        detail: String,
    },
}

/// A template made into text, time after time.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessedTemplates {
    /// The template.
    template_id: TemplateId,
    /// Its version.
    version: u64,
    /// What the texts are for.
    format: Format,
    /// How many became text.
    texts: usize,
    /// What became of each context, in their order.
    results: Vec<Outcome>,
}

/// Make a template and up to 1,000 contexts into texts.
///
/// A context that is refused costs no other one. One answer carries 4 MiB of text; what does not fit is refused.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/process-batch", operation_id = "templates.process_many", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template.")),
    request_body = Contexts,
    responses((status = 200, description = "What became of each context.", body = ProcessedTemplates), Refusals)
)]
pub async fn process_many(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = in_use(&request, &caller).await?;
    let Contexts { contexts } = request.json_within(MOST_BYTES)?;
    if !(1..=MOST_CONTEXTS).contains(&contexts.len()) {
        let detail = format!("has {} contexts; 1 to {MOST_CONTEXTS} are taken", contexts.len());
        return Err(invalid_field("/contexts", "out_of_range", detail));
    }
    let ready = Ready::of(&template.content, caller.store.now())?;
    let (mut results, mut room, mut texts) = (Vec::with_capacity(contexts.len()), MOST_TEXT_BYTES, 0);
    for context in contexts {
        results.push(match ready.render(context) {
            Ok(processed) if processed.text.len() <= room => {
                room -= processed.text.len();
                texts += 1;
                Outcome::Text(processed)
            }
            Ok(_) => {
                let detail =
                    format!("the answer has its {MOST_TEXT_BYTES} bytes of text already; send this context by itself");
                Outcome::CannotRender { detail }
            }
            Err(Refusal::Context(violations)) => Outcome::InvalidContext { violations },
            Err(Refusal::Render(error)) => Outcome::CannotRender { detail: error.to_string() },
        });
    }
    Reply::ok(&ProcessedTemplates {
        template_id: template.id,
        version: template.version,
        format: template.content.format,
        texts,
        results,
    })
}
