//! Asks the deployed model about a message.

use std::sync::Arc;

use romashka_domain::Permission;
use romashka_domain::answer::{
    Action, Answer, Grounds, IntentGrounds, MAX_MESSAGE_CHARS, Provenance, ReplySource, ScoredIntent, decide,
};
use romashka_domain::ids::AnswerId;
use romashka_domain::model::{DeployedVersion, Deployment};
use romashka_encoder::{Encoder, shipped};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_ingest::redaction::by_default;
use romashka_learning::knowledge::{Hit, KnowledgeIndex, Source};
use romashka_learning::language::detect;
use romashka_learning::{Embedding, Message, Model, OutOfScopeReason, Prediction};
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
            let answering = Answering::load(&store, &deployment).await?;
            // Models learn from texts without what is personal, so they are asked in the same words.
            let text = by_default(question.text);
            let message = Message::new(&text, encoder()?);
            let judged = answering.judge(&message);
            let (action, reason) = decide(judged.grounds(), &deployment.version.thresholds);
            let draft = if action == Action::Reply { answering.draft(&judged) } else { Draft::default() };
            let scored = |intent: &str, confidence: f32| ScoredIntent {
                intent: intent.to_owned(),
                confidence: f64::from(confidence),
            };
            let prediction = judged.prediction.as_ref();
            let intent = judged.grounds().intent;
            Reply::ok(&Answer {
                id: AnswerId::of(store.tenant(), id),
                intent: judged.intent().map(str::to_owned),
                confidence: intent.map_or(0.0, |intent| intent.confidence),
                runner_up: prediction.and_then(|best| best.runner_up).map(|next| scored(next.intent, next.confidence)),
                margin: intent.map_or(0.0, |intent| intent.margin),
                out_of_scope: intent.is_some_and(|intent| intent.out_of_scope),
                action,
                reason,
                reply: draft.reply,
                language: detect(message.text()).map(|detection| detection.language.code().to_owned()),
                mood: mood::of(&text, &message)?,
                provenance: Provenance {
                    tier: prediction.map(|prediction| prediction.tier),
                    score: prediction.map_or(0.0, |prediction| f64::from(prediction.score)),
                    threshold: prediction.and_then(|prediction| prediction.threshold).map(f64::from),
                    model_id: deployment.version.model_id,
                    model_hash: deployment.version.model_hash,
                    thresholds: deployment.version.thresholds,
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

/// The deployed version, read.
struct Answering {
    /// `None` where it knows no intents.
    model: Option<Arc<Model>>,
    knowledge: Option<Arc<KnowledgeIndex>>,
    version: DeployedVersion,
}

/// What the deployed version makes of a message.
struct Judged<'answering> {
    prediction: Option<Prediction<'answering>>,
    /// The text that answers best, if one fits.
    hit: Option<Hit<'answering>>,
}

impl Answering {
    async fn load(store: &TenantStore, deployment: &Deployment) -> Result<Self, Problem> {
        let version = deployment.version.clone();
        let model = if version.knows_intents { Some(models::load(store, &version.model_hash).await?) } else { None };
        let knowledge = match &version.knowledge_hash {
            Some(hash) => Some(models::load_knowledge(store, hash).await?),
            None => None,
        };
        Ok(Self { model, knowledge, version })
    }

    fn judge(&self, message: &Message<'_>) -> Judged<'_> {
        let budget = self.version.thresholds.out_of_scope_budget;
        let prediction = self.model.as_ref().map(|model| model.predict(message, budget));
        let reason = prediction.as_ref().and_then(|prediction| prediction.out_of_scope);
        let hit = match reason {
            // Somebody labelled messages like this one as nothing to answer.
            Some(OutOfScopeReason::Background) => None,
            _ => self.search(message, prediction.as_ref()),
        };
        Judged { prediction, hit }
    }

    /// The best text that is likely to answer the message and belongs to its intent, or to none.
    fn search(&self, message: &Message<'_>, prediction: Option<&Prediction<'_>>) -> Option<Hit<'_>> {
        let knowledge = self.knowledge.as_deref()?;
        let understood = knowledge.is_embedded() && message.encoder() == self.version.encoder.as_deref();
        let encoding = if understood { message.encoding() } else { None };
        let embedding = encoding.map(|encoding| Embedding::of(&encoding.sentence));
        let intent = prediction.and_then(|prediction| prediction.intent);
        knowledge.search(message.text(), embedding.as_ref(), CANDIDATES).into_iter().find(|hit| {
            hit.probability >= LEAST_REPLY_CONFIDENCE
                && hit.passage.intent.as_deref().is_none_or(|other| self.model.is_none() || Some(other) == intent)
        })
    }

    /// What the tenant's texts answer to this very message or, where they say nothing that fits, the intent's standing
    /// reply.
    fn draft(&self, judged: &Judged<'_>) -> Draft {
        let Some(hit) = &judged.hit else {
            let standing = self.model.as_ref().zip(judged.intent()).and_then(|(model, intent)| model.reply(intent));
            return Draft { reply: standing.map(str::to_owned), ..Draft::default() };
        };
        let source =
            |source: &Source| ReplySource { kind: source.kind, upload_id: source.upload.clone(), row: source.row };
        Draft {
            reply: Some(hit.answer.text.clone()),
            sources: hit.answer.sources.iter().take(MAX_SOURCES).map(source).collect(),
            confidence: Some(f64::from(hit.probability)),
        }
    }
}

impl<'answering> Judged<'answering> {
    fn intent(&self) -> Option<&'answering str> {
        self.prediction.as_ref().and_then(|prediction| prediction.intent)
    }

    fn grounds(&self) -> Grounds {
        Grounds {
            intent: self.prediction.as_ref().map(|prediction| IntentGrounds {
                out_of_scope: prediction.out_of_scope.is_some(),
                confidence: f64::from(prediction.confidence),
                margin: f64::from(prediction.margin),
            }),
            answer: self.hit.as_ref().map(|hit| f64::from(hit.probability)),
        }
    }
}

/// A reply and what it rests on.
#[derive(Default)]
struct Draft {
    reply: Option<String>,
    sources: Vec<ReplySource>,
    confidence: Option<f64>,
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
