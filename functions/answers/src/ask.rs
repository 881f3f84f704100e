//! Asks the deployed model about a message.

use std::collections::BTreeMap;
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
use romashka_learning::knowledge::{self, Hit, KnowledgeIndex, Source, SourceKind};
use romashka_learning::language::{self, detect};
use romashka_learning::{Embedding, Message, Model, OutOfScopeReason, Prediction};
use romashka_mining::replies::{MAX_CONTEXT_VALUES, Speaker, fill, need};
use romashka_store::TenantStore;
use romashka_types::reply::Act;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{models, mood};

/// Answer groups that are looked at for one that answers.
const CANDIDATES: usize = 10;
/// Earlier turns of the conversation, at most.
const MAX_TURNS: usize = 20;
/// Characters of an earlier turn, or of a value of the context.
const MAX_TURN_CHARS: usize = 4_000;
/// Sources that are named; of a reply that was given often there are more.
const MAX_SOURCES: usize = 5;

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
            let deployment = store
                .deployments()
                .current()
                .await?
                .ok_or_else(|| conflict("nothing_deployed", "no model is deployed yet; train one and deploy it"))?;
            let answering = Answering::load(&store, &deployment).await?;
            // Models learn from texts without what is personal, so they are asked in the same words.
            let asked = question.need();
            let text = by_default(asked.clone());
            let message = Message::new(&text, encoder()?);
            let judged = answering.judge(&message, &Wanted { asked: &asked, context: &question.context });
            let (action, reason) = decide(judged.grounds(), &deployment.version.thresholds);
            let draft = answering.draft(action, &judged);
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

/// The customer's words as they came, and the caller's values: an answer's variables are filled from them.
struct Wanted<'request> {
    asked: &'request str,
    context: &'request BTreeMap<String, String>,
}

/// The deployed version's judgement of a message.
struct Judged<'answering> {
    prediction: Option<Prediction<'answering>>,
    /// The text that answers best, if one fits.
    answer: Option<Found<'answering>>,
    /// The question that people ask back, if they do.
    question: Option<Found<'answering>>,
    /// The standing answer of the likeliest intent.
    standing: Option<Written<'answering>>,
}

/// A text of the tenant's, written for this customer.
struct Written<'answering> {
    text: String,
    sources: &'answering [Source],
}

/// A text of the tenant's that fits the message.
struct Found<'answering> {
    written: Written<'answering>,
    probability: f64,
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

    fn judge(&self, message: &Message<'_>, wanted: &Wanted<'_>) -> Judged<'_> {
        let budget = self.version.thresholds.out_of_scope_budget;
        let prediction = self.model.as_ref().map(|model| model.predict(message, budget));
        let reason = prediction.as_ref().and_then(|prediction| prediction.out_of_scope);
        let mut judged = Judged { prediction, answer: None, question: None, standing: None };
        // Somebody labelled messages like this one as nothing to answer.
        if reason == Some(OutOfScopeReason::Background) {
            return judged;
        }
        let Some(knowledge) = self.knowledge.as_deref() else { return judged };
        let embedding = self.embedding(message, knowledge);
        let hits = knowledge.search(message.text(), embedding.as_ref(), CANDIDATES);
        // The best group alone tells that people ask back.
        let asked_back = hits.first().filter(|hit| hit.group.act == Act::Question);
        judged.question = asked_back.and_then(|hit| found(knowledge, hit, embedding.as_ref(), wanted));
        let fitting = hits.iter().filter(|hit| hit.group.act == Act::Answer && self.is_of_intent(hit, judged.intent()));
        let sure = fitting.take_while(|hit| f64::from(hit.probability) >= self.version.thresholds.reply);
        judged.answer = sure.filter_map(|hit| found(knowledge, hit, embedding.as_ref(), wanted)).next();
        if let Some(intent) = judged.intent().filter(|_| judged.answer.is_none()) {
            judged.standing = knowledge.standing_answers(intent).find_map(|answer| written(answer, wanted));
        }
        judged
    }

    /// The message's embedding, where the index was made by the same encoder and the encoder knows the language.
    fn embedding(&self, message: &Message<'_>, knowledge: &KnowledgeIndex) -> Option<Embedding> {
        let understood = knowledge.is_embedded()
            && message.encoder() == self.version.encoder.as_deref()
            && language::is_encoded(message.text());
        let encoding = if understood { message.encoding() } else { None };
        encoding.map(|encoding| Embedding::of(&encoding.sentence))
    }

    /// Returns true for a text of the likeliest intent, or of none.
    fn is_of_intent(&self, hit: &Hit<'_>, intent: Option<&str>) -> bool {
        hit.passage.intent.as_deref().is_none_or(|other| self.model.is_none() || Some(other) == intent)
    }

    /// The text that answers this very message or, where none fits, the intent's standing answer; for `clarify` the
    /// question that people ask back.
    fn draft(&self, action: Action, judged: &Judged<'_>) -> Draft {
        let found = match action {
            Action::Reply => judged.answer.as_ref(),
            Action::Clarify => judged.question.as_ref(),
            Action::HandOff => return Draft::default(),
        };
        if let Some(found) = found {
            return Draft::of(&found.written, found.probability);
        }
        let standing = judged.standing.as_ref().filter(|_| action == Action::Reply);
        let confidence = judged.grounds().intent.map_or(0.0, |intent| intent.confidence);
        standing.map(|standing| Draft::of(standing, confidence)).unwrap_or_default()
    }
}

/// A hit as an answer to this customer; `None` where too little of it is left without what is another customer's.
fn found<'index>(
    knowledge: &'index KnowledgeIndex,
    hit: &Hit<'index>,
    embedding: Option<&Embedding>,
    wanted: &Wanted<'_>,
) -> Option<Found<'index>> {
    let probability = f64::from(hit.probability);
    if let Some(extract) = hit.extract {
        let written = Written { text: extract.to_owned(), sources: &hit.answer.sources };
        return Some(Found { written, probability });
    }
    let answers = match hit.passage.kind {
        SourceKind::Reply => knowledge.answers_to(hit, embedding),
        SourceKind::Faq | SourceKind::Article => vec![hit.answer],
    };
    let written = answers.into_iter().find_map(|answer| written(answer, wanted))?;
    Some(Found { written, probability })
}

fn written<'index>(answer: &'index knowledge::Answer, wanted: &Wanted<'_>) -> Option<Written<'index>> {
    let curated = answer.sources.first().is_some_and(|source| source.kind != SourceKind::Reply);
    let text =
        if curated { answer.text.clone() } else { fill(&answer.text, &answer.slots, wanted.asked, wanted.context)? };
    Some(Written { text, sources: &answer.sources })
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
            answer: self.answer.as_ref().map(|found| found.probability),
            question: self.question.as_ref().map(|found| found.probability),
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

impl Draft {
    fn of(written: &Written<'_>, confidence: f64) -> Self {
        let source =
            |source: &Source| ReplySource { kind: source.kind, upload_id: source.upload.clone(), row: source.row };
        Self {
            reply: Some(written.text.clone()),
            sources: written.sources.iter().take(MAX_SOURCES).map(source).collect(),
            confidence: Some(confidence),
        }
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
