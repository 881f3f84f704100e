//! Asks the deployed model about a message.

use std::collections::BTreeMap;

use romashka_domain::Permission;
use romashka_domain::answer::{Action, Answer, MAX_MESSAGE_CHARS, Provenance, ScoredIntent, decide};
use romashka_domain::ids::AnswerId;
use romashka_domain::model::Deployment;
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_ingest::redaction::by_default;
use romashka_learning::Message;
use romashka_learning::language::detect;
use romashka_mining::replies::{MAX_CONTEXT_VALUES, Speaker, need};
use romashka_store::TenantStore;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answering::{Answering, Wanted, encoder};
use crate::composing::{Composition, composed, configured};
use crate::{mood, topics};

/// Earlier turns of the conversation, at most.
const MAX_TURNS: usize = 20;
/// Characters of an earlier turn, or of a value of the context.
const MAX_TURN_CHARS: usize = 4_000;

/// A customer's message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What the customer wrote, 1 to 4,000 characters.
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
    /// The turns of the conversation before, oldest first, at most 20: a follow-up is judged with what it follows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub before: Vec<EarlierTurn>,
    /// Values that an answer may hold, by the names of its variables, such as `{"order.number": "AB-1043"}`; at most 64.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
    /// The writer of the answer; the tenant's texts where it is left out.
    #[serde(default)]
    pub writer: Writer,
}

/// The writer of an answer's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// The tenant's texts as they are.
    #[default]
    Texts,
    /// The configured language model, from the tenant's texts and nothing else; the texts' own answer where it fails.
    LanguageModel,
}

/// An earlier turn of the conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierTurn {
    /// The speaker.
    pub role: TurnRole,
    /// The words, at most 4,000 characters.
    #[schema(max_length = 4000)]
    pub text: String,
}

/// The speaker of an earlier turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnRole {
    /// The customer.
    Customer,
    /// A person of the team, or Romashka.
    Agent,
}

impl Question {
    /// The customer's need: this message with those it belongs to.
    fn need(&self) -> String {
        let before = self.before.iter().map(|turn| {
            let speaker = if turn.role == TurnRole::Customer { Speaker::Customer } else { Speaker::Team };
            (speaker, turn.text.as_str())
        });
        need(before, &self.text)
    }
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
            let (deployments, topics) = (store.deployments(), store.topics());
            let (deployment, catalogue) = tokio::try_join!(deployments.current(), topics.catalogue())?;
            let deployment = deployment
                .ok_or_else(|| conflict("nothing_deployed", "no model is deployed yet; train one and deploy it"))?;
            let answering = Answering::load(&store, &deployment, catalogue).await?;
            let mut answer = decided(&store, id, &deployment, &answering, &question)?;
            if question.writer == Writer::LanguageModel && answer.action == Action::Reply {
                let model = configured().await.ok_or_else(|| {
                    conflict(
                        "no_language_model",
                        "no language model is configured; leave `writer` out, or configure one",
                    )
                })?;
                let nonce = store.ids().next().into_bytes();
                let (text, language) = (by_default(question.need()), answer.language.as_deref());
                // In the words that the model is shown: no number of the customer's goes to it.
                let wanted = Wanted { asked: &text, context: &BTreeMap::new() };
                let material = answering.material(&Message::new(&text, encoder()?), &wanted);
                let Composition { written, spent } =
                    composed(&model, &text, &question.before, &material, language, nonce).await;
                if let Some((text, sources)) = written {
                    answer.reply = Some(text);
                    answer.provenance.sources = sources;
                }
                answer.provenance.language_model = Some(spent);
            }
            Reply::ok(&answer)
        })
        .await
}

/// The decision on a message with the answer of the tenant's texts.
fn decided(
    store: &TenantStore,
    id: Uuid,
    deployment: &Deployment,
    answering: &Answering,
    question: &Question,
) -> Result<Answer, Problem> {
    // Models learn from texts without what is personal, so they are asked in the same words.
    let asked = question.need();
    let text = by_default(asked.clone());
    let message = Message::new(&text, encoder()?);
    let judged = answering.judge(&message, &Wanted { asked: &asked, context: &question.context });
    let (action, reason) = decide(judged.grounds(), &deployment.version.thresholds);
    let mut draft = answering.draft(action, &judged);
    let language = detect(message.text()).map(|detection| detection.language.code().to_owned());
    let choices = if action == Action::Clarify { judged.choices() } else { &[] };
    if action == Action::Clarify && draft.reply.is_none() {
        draft.reply = topics::question(choices, language.as_deref());
    }
    let scored =
        |intent: &str, confidence: f32| ScoredIntent { intent: intent.to_owned(), confidence: f64::from(confidence) };
    let prediction = judged.prediction.as_ref();
    let intent = judged.grounds().intent;
    let topic = judged.topics.first().filter(|topic| topic.is_likely());
    let accepted = topic.filter(|topic| prediction.is_none() && topic.is_intent());
    Ok(Answer {
        id: AnswerId::of(store.tenant(), id),
        intent: judged.intent().or(accepted.map(|topic| topic.name.as_str())).map(str::to_owned),
        confidence: intent.map(|intent| intent.confidence).or(accepted.map(|topic| topic.confidence)).unwrap_or(0.0),
        runner_up: prediction.and_then(|best| best.runner_up).map(|next| scored(next.intent, next.confidence)),
        margin: intent.map_or(0.0, |intent| intent.margin),
        out_of_scope: intent.is_some_and(|intent| intent.out_of_scope),
        topic: topic.cloned(),
        choices: choices.to_vec(),
        action,
        reason,
        reply: draft.reply,
        language,
        mood: mood::of(&text, &message)?,
        provenance: Provenance {
            tier: prediction.map(|prediction| prediction.tier),
            score: prediction.map_or(0.0, |prediction| f64::from(prediction.score)),
            threshold: prediction.and_then(|prediction| prediction.threshold).map(f64::from),
            model_id: deployment.version.model_id,
            model_hash: deployment.version.model_hash.clone(),
            thresholds: deployment.version.thresholds,
            sources: draft.sources,
            reply_confidence: draft.confidence,
            language_model: None,
        },
        created_at: store.now(),
    })
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
    if question.before.len() > MAX_TURNS {
        return Err(invalid_field(
            "/before",
            "too_many",
            format!("holds more than {MAX_TURNS} turns; send the latest"),
        ));
    }
    let is_long = |text: &String| text.chars().count() > MAX_TURN_CHARS;
    if let Some(at) = question.before.iter().position(|turn| is_long(&turn.text)) {
        let detail = format!("has more than {MAX_TURN_CHARS} characters");
        return Err(invalid_field(format!("/before/{at}/text"), "too_long", detail));
    }
    if question.context.len() > MAX_CONTEXT_VALUES {
        let detail = format!("holds more than {MAX_CONTEXT_VALUES} values");
        return Err(invalid_field("/context", "too_many", detail));
    }
    if question.context.iter().any(|(name, value)| is_long(name) || is_long(value)) {
        let detail = format!("holds a name or a value of more than {MAX_TURN_CHARS} characters");
        return Err(invalid_field("/context", "too_long", detail));
    }
    Ok(())
}
