//! Asks the deployed model about a message.

use std::sync::Arc;

use romashka_domain::Permission;
use romashka_domain::answer::{
    Action, Answer, Grounds, MAX_MESSAGE_CHARS, Provenance, ReplySource, ScoredIntent, decide,
};
use romashka_domain::ids::AnswerId;
use romashka_domain::model::Deployment;
use romashka_encoder::{Encoder, shipped};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_learning::knowledge::{KnowledgeIndex, Source};
use romashka_learning::language::detect;
use romashka_learning::{Embedding, Message, Model};
use romashka_store::TenantStore;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{models, mood};

/// Texts that are looked at for one that answers.
const CANDIDATES: usize = 10;
/// Below this probability a text is not taken for an answer.
const LEAST_REPLY_CONFIDENCE: f32 = 0.5;
/// Sources that are named; of a reply that was given often there are more.
const MAX_SOURCES: usize = 5;

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
            let knowledge = knowledge_of(&store, &deployment).await?;
            let message = Message::new(&question.text, encoder()?);
            let prediction = model.predict(&message, deployment.thresholds.out_of_scope_budget);
            let grounds = Grounds {
                out_of_scope: prediction.out_of_scope.is_some(),
                confidence: f64::from(prediction.confidence),
                margin: f64::from(prediction.margin),
            };
            let (action, reason) = decide(grounds, &deployment.thresholds);
            let draft = match (action, prediction.intent) {
                (Action::Reply, Some(intent)) => draft(knowledge.as_deref(), &model, &message, intent),
                _ => Draft::default(),
            };
            Reply::ok(&Answer {
                id: AnswerId::of(store.tenant(), id),
                intent: prediction.intent.map(str::to_owned),
                confidence: grounds.confidence,
                runner_up: prediction.runner_up.map(|next| ScoredIntent {
                    intent: next.intent.to_owned(),
                    confidence: f64::from(next.confidence),
                }),
                margin: grounds.margin,
                out_of_scope: grounds.out_of_scope,
                action,
                reason,
                reply: draft.reply,
                language: detect(message.text()).map(|detection| detection.language.code().to_owned()),
                mood: mood::of(&question.text, &message)?,
                provenance: Provenance {
                    model_id: deployment.model_id,
                    model_hash: deployment.model_hash,
                    tier: prediction.tier,
                    score: f64::from(prediction.score),
                    threshold: prediction.threshold.map(f64::from),
                    thresholds: deployment.thresholds,
                    sources: draft.sources,
                    reply_confidence: draft.confidence,
                },
                created_at: store.now(),
            })
        })
        .await
}

/// The encoder that came with this function; without one the n-grams answer.
fn encoder() -> Result<Option<&'static Encoder>, Problem> {
    shipped().map_err(Problem::internal)
}

async fn knowledge_of(store: &TenantStore, deployment: &Deployment) -> Result<Option<Arc<KnowledgeIndex>>, Problem> {
    match &deployment.knowledge_hash {
        Some(hash) => Ok(Some(models::load_knowledge(store, hash).await?)),
        None => Ok(None),
    }
}

/// A reply and what it rests on.
#[derive(Default)]
struct Draft {
    reply: Option<String>,
    sources: Vec<ReplySource>,
    confidence: Option<f64>,
}

/// What the tenant's texts answer to this very message or, where they say nothing that fits, the intent's standing reply.
fn draft(knowledge: Option<&KnowledgeIndex>, model: &Model, message: &Message<'_>, intent: &str) -> Draft {
    let embedding = knowledge
        .filter(|knowledge| knowledge.is_embedded())
        .and_then(|_| message.encoding())
        .map(|encoding| Embedding::of(&encoding.sentence));
    let hits = knowledge.map(|knowledge| knowledge.search(message.text(), embedding.as_ref(), CANDIDATES));
    let fitting = hits.unwrap_or_default().into_iter().find(|hit| {
        hit.probability >= LEAST_REPLY_CONFIDENCE && hit.passage.intent.as_deref().is_none_or(|other| other == intent)
    });
    let Some(hit) = fitting else {
        return Draft { reply: model.reply(intent).map(str::to_owned), ..Draft::default() };
    };
    let source = |source: &Source| ReplySource { kind: source.kind, upload_id: source.upload.clone(), row: source.row };
    Draft {
        reply: Some(hit.answer.text.clone()),
        sources: hit.answer.sources.iter().take(MAX_SOURCES).map(source).collect(),
        confidence: Some(f64::from(hit.probability)),
    }
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
