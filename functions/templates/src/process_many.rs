//! One template and many contexts.

use std::time::{Duration, Instant};

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
/// Bytes of results that one answer carries, as JSON: a Lambda function may answer with six megabytes.
const MOST_RESULT_BYTES: usize = 4 * 1024 * 1024;
/// Time that all contexts may take together; the function is given 15 seconds.
const MOST_TIME: Duration = Duration::from_secs(8);

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
    /// The template meets a bound or a value that it cannot work on, or the answer is full, or the request has taken its time.
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
/// A context that is refused costs no other one. One answer carries 4 MiB of results, and all contexts together may take eight
/// seconds; what comes after that is refused.
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
    let begun = Instant::now();
    let results = outcomes(&ready, contexts, MOST_RESULT_BYTES, || begun.elapsed() > MOST_TIME);
    let texts = results.iter().filter(|outcome| matches!(outcome, Outcome::Text(_))).count();
    Reply::ok(&ProcessedTemplates {
        template_id: template.id,
        version: template.version,
        format: template.content.format,
        texts,
        results,
    })
}

/// What becomes of each context, until there is no room or no time for more.
fn outcomes(
    ready: &Ready<'_>,
    contexts: Vec<Map<String, Value>>,
    mut room: usize,
    is_late: impl Fn() -> bool,
) -> Vec<Outcome> {
    let refused = |detail: String| Outcome::CannotRender { detail };
    let outcome = |context| {
        if is_late() {
            let detail = format!("the request has taken its {} s; send this context again", MOST_TIME.as_secs());
            return refused(detail);
        }
        let outcome = match ready.render(context) {
            Ok(processed) => Outcome::Text(processed),
            Err(Refusal::Context(violations)) => Outcome::InvalidContext { violations },
            Err(Refusal::Render(error)) => refused(error.to_string()),
            Err(Refusal::Active(what)) => refused(what),
        };
        match room.checked_sub(serde_json::json!(outcome).to_string().len()) {
            Some(left) => {
                room = left;
                outcome
            }
            None => {
                refused(format!("the answer has its {MOST_RESULT_BYTES} bytes already; send this context by itself"))
            }
        }
    };
    contexts.into_iter().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use romashka_domain::Timestamp;
    use romashka_domain::template::Content;
    use serde_json::json;

    use super::*;

    /// `t` for a text, `v` for values that break a rule, `c` for what cannot be rendered.
    fn told(room: usize, is_late: impl Fn() -> bool) -> String {
        let content: Content = serde_json::from_value(json!({
            "name": "n", "source": "{{ text }}{{ 1 | divided_by: by }}", "language": "en", "format": "text", "visibility": "private",
            "variables": [{ "name": "text", "type": "text", "required": true }],
        }))
        .unwrap();
        let contexts = [
            json!({ "text": "x", "by": 1 }),
            json!({}),
            json!({ "text": "x", "by": 0 }),
            json!({ "text": "x", "by": 1 }),
        ];
        let contexts = contexts.into_iter().filter_map(|context| context.as_object().cloned()).collect();
        let ready =
            Ready::of(&content, Timestamp::UNIX_EPOCH).unwrap_or_else(|problem| panic!("{}", problem.body("c").detail));
        let outcomes = outcomes(&ready, contexts, room, is_late);
        let letter = |outcome: &Outcome| match outcome {
            Outcome::Text(_) => 't',
            Outcome::InvalidContext { .. } => 'v',
            Outcome::CannotRender { .. } => 'c',
        };
        outcomes.iter().map(letter).collect()
    }

    #[test]
    fn what_does_not_fit_or_comes_too_late_is_refused_by_itself() {
        assert_eq!(told(MOST_RESULT_BYTES, || false), "tvct");
        assert_eq!(told(45, || false), "tccc", "what is wrong with values takes room, too");
        assert_eq!(told(MOST_RESULT_BYTES, || true), "cccc");
        let asked = std::cell::Cell::new(0);
        let is_late = || asked.replace(asked.get() + 1) > 1;
        assert_eq!(told(MOST_RESULT_BYTES, is_late), "tvcc");
    }
}
