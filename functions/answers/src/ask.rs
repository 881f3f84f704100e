//! Asks the deployed model about a message.

use romashka_domain::Permission;
use romashka_domain::answer::{Action, Answer, MAX_MESSAGE_CHARS, Provenance, ScoredIntent, decide};
use romashka_domain::ids::AnswerId;
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::models;

/// A customer's message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What the customer wrote, 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
}

/// Ask the deployed model what a message is about and what should happen next.
#[utoipa::path(
    post, path = "/v1/answers", operation_id = "answers.ask", tag = "answers",
    params(IdempotencyKey), request_body = Question,
    responses((status = 200, description = "The decision.", body = Answer), Refusals)
)]
pub async fn ask(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::Ask)?;
    let question: Question = request.json()?;
    check(&question)?;
    let store = caller.store.clone();
    request
        .once("answers.ask", &caller, |id| async move {
            let deployment = store
                .deployments()
                .current()
                .await?
                .ok_or_else(|| conflict("nothing_deployed", "no model is deployed yet; train one and deploy it"))?;
            let model = models::load(&store, &deployment.model_hash).await?;
            let prediction = model.predict(&question.text);
            let out_of_scope = prediction.out_of_scope.is_some();
            let confidence = f64::from(prediction.confidence);
            let (action, reason) = decide(out_of_scope, confidence);
            let reply = prediction.intent.filter(|_| action == Action::Reply).and_then(|intent| model.reply(intent));
            Reply::ok(&Answer {
                id: AnswerId::new(id),
                intent: prediction.intent.map(str::to_owned),
                confidence,
                runner_up: prediction.runner_up.map(|next| ScoredIntent {
                    intent: next.intent.to_owned(),
                    confidence: f64::from(next.confidence),
                }),
                out_of_scope,
                action,
                reason,
                reply: reply.map(str::to_owned),
                provenance: Provenance {
                    model_id: deployment.model_id,
                    model_hash: deployment.model_hash,
                    score: f64::from(prediction.logit),
                    threshold: prediction.threshold.map(f64::from),
                },
                created_at: store.now(),
            })
        })
        .await
}

fn check(question: &Question) -> Result<(), Problem> {
    let chars = question.text.chars().count();
    if chars > MAX_MESSAGE_CHARS {
        let detail = format!("has {chars} characters; at most {MAX_MESSAGE_CHARS} are answered");
        return Err(invalid_field("/text", "too_long", detail));
    }
    if question.text.trim().is_empty() {
        return Err(invalid_field("/text", "empty_text", "must hold what the customer wrote"));
    }
    Ok(())
}
