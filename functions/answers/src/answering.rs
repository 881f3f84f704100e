//! The deployed version's judgement of a message, and the answer drafted from the tenant's texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use romashka_domain::answer::{Action, Grounds, IntentGrounds, ReplySource, TextGrounds, TopicScore, choices};
use romashka_domain::model::{DeployedVersion, Deployment};
use romashka_domain::topic::{Catalogue, TopicMap};
use romashka_encoder::{Encoder, shipped};
use romashka_http::Problem;
use romashka_learning::knowledge::{self, Hit, KnowledgeIndex, Source, SourceKind};
use romashka_learning::{Embedding, Message, Model, OutOfScopeReason, Prediction, language};
use romashka_mining::replies::fill;
use romashka_store::TenantStore;
use romashka_types::reply::Act;

use crate::{models, topics};

/// Answer groups that are looked at for one that answers.
const CANDIDATES: usize = 10;
/// Sources that are named; of a reply that was given often there are more.
const MAX_SOURCES: usize = 5;
/// Probability below which a text is no material for a language model.
const LEAST_MATERIAL: f32 = 0.2;

/// The encoder that came with this function; without one the n-grams answer.
pub fn encoder() -> Result<Option<&'static Encoder>, Problem> {
    shipped().map_err(Problem::internal)
}

/// The deployed version, read.
pub struct Answering {
    /// `None` where it knows no intents.
    model: Option<Arc<Model>>,
    knowledge: Option<Arc<KnowledgeIndex>>,
    topics: Arc<TopicMap>,
    /// Decisions of people about topics.
    catalogue: Catalogue,
    version: DeployedVersion,
}

/// The customer's words as they came, and the caller's values: an answer's variables are filled from them.
pub struct Wanted<'request> {
    pub asked: &'request str,
    pub context: &'request BTreeMap<String, String>,
}

/// The deployed version's judgement of a message.
pub struct Judged<'answering> {
    pub prediction: Option<Prediction<'answering>>,
    /// The text that answers best, if one fits.
    answer: Option<Found<'answering>>,
    /// The question that people ask back, if they do.
    question: Option<Found<'answering>>,
    /// The standing answer of the likeliest intent.
    standing: Option<Written<'answering>>,
    /// Topics of what was found, the likeliest first.
    pub topics: Vec<TopicScore>,
    /// True where people handed such customers over, or answered them nothing.
    nobody_answered: bool,
}

/// A text of the tenant's, written for this customer.
pub struct Written<'answering> {
    pub kind: SourceKind,
    pub title: Option<&'answering str>,
    pub text: String,
    pub sources: &'answering [Source],
}

/// A text of the tenant's that fits the message.
struct Found<'answering> {
    written: Written<'answering>,
    grounds: TextGrounds,
}

impl Answering {
    pub async fn load(store: &TenantStore, deployment: &Deployment, catalogue: Catalogue) -> Result<Self, Problem> {
        let version = deployment.version.clone();
        let model = if version.knows_intents { Some(models::load(store, &version.model_hash).await?) } else { None };
        let knowledge = match &version.knowledge_hash {
            Some(hash) => models::load_knowledge(store, hash).await?,
            None => None,
        };
        // Before a tenant has topics, none is looked for.
        let topics = if catalogue.topics.is_empty() || knowledge.is_none() {
            Arc::default()
        } else {
            models::load_topics(store, version.model_id).await?
        };
        Ok(Self { model, knowledge, topics, catalogue, version })
    }

    pub fn judge(&self, message: &Message<'_>, wanted: &Wanted<'_>) -> Judged<'_> {
        let budget = self.version.thresholds.out_of_scope_budget;
        let prediction = self.model.as_ref().map(|model| model.predict(message, budget));
        let reason = prediction.as_ref().and_then(|prediction| prediction.out_of_scope);
        let mut judged = Judged {
            prediction,
            answer: None,
            question: None,
            standing: None,
            topics: Vec::new(),
            nobody_answered: false,
        };
        // Somebody labelled messages like this one as nothing to answer.
        if reason == Some(OutOfScopeReason::Background) {
            return judged;
        }
        let Some(knowledge) = self.knowledge.as_deref() else { return judged };
        let embedding = self.embedding(message, knowledge);
        let hits = knowledge.search(message.text(), embedding.as_ref(), CANDIDATES);
        judged.topics = topics::scored(&hits, &self.topics, &self.catalogue);
        // The best group alone tells that people ask back.
        let asked_back = hits.first().filter(|hit| hit.group.act == Act::Question);
        judged.question = asked_back.and_then(|hit| found(knowledge, hit, embedding.as_ref(), wanted));
        // Where customers like this one got a promise, a person or a courtesy, no past reply answers.
        let nobody_answered =
            hits.first().is_some_and(|hit| matches!(hit.group.act, Act::HandOver | Act::Promise | Act::Courtesy));
        judged.nobody_answered = nobody_answered;
        let fitting = hits.iter().filter(|hit| {
            hit.group.act == Act::Answer
                && self.is_of_intent(hit, judged.intent())
                && !(nobody_answered && hit.passage.kind == SourceKind::Reply)
        });
        let sure = fitting.filter(|hit| grounds_of(hit).reaches(&self.version.thresholds));
        judged.answer = sure
            .filter_map(|hit| found(knowledge, hit, embedding.as_ref(), wanted))
            .find(|found| is_understood(found.written.kind, &found.written.text, message.text()));
        if let Some(intent) = judged.intent().filter(|_| judged.answer.is_none()) {
            let mut standing = knowledge.standing_answers(intent).filter_map(|answer| written(answer, wanted));
            judged.standing = standing.find(|it| is_understood(it.kind, &it.text, message.text()));
        }
        judged
    }

    /// Texts that a language model may write an answer to a message from, the best first.
    pub fn material(&self, message: &Message<'_>, wanted: &Wanted<'_>) -> Vec<Written<'_>> {
        let Some(knowledge) = self.knowledge.as_deref() else { return Vec::new() };
        let embedding = self.embedding(message, knowledge);
        let hits = knowledge.search(message.text(), embedding.as_ref(), CANDIDATES);
        let usable = hits.iter().filter(|hit| hit.group.act == Act::Answer && hit.probability >= LEAST_MATERIAL);
        usable.filter_map(|hit| Some(found(knowledge, hit, embedding.as_ref(), wanted)?.written)).collect()
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
    pub fn draft(&self, action: Action, judged: &Judged<'_>) -> Draft {
        let found = match action {
            Action::Reply => judged.answer.as_ref(),
            Action::Clarify => judged.question.as_ref(),
            Action::HandOff => return Draft::default(),
        };
        if let Some(found) = found {
            return Draft::of(&found.written, found.grounds.probability);
        }
        let standing = judged.standing.as_ref().filter(|_| action == Action::Reply);
        let confidence = judged.grounds().intent.map_or(0.0, |intent| intent.confidence);
        standing.map(|standing| Draft::of(standing, confidence)).unwrap_or_default()
    }
}

/// Returns false for an FAQ entry or an article in another language than the customer's. What people answered such customers
/// with is in the language that people chose.
fn is_understood(kind: SourceKind, text: &str, asked: &str) -> bool {
    kind == SourceKind::Reply || !language::are_different(asked, text)
}

fn grounds_of(hit: &Hit<'_>) -> TextGrounds {
    TextGrounds { kind: hit.passage.kind, probability: f64::from(hit.probability) }
}

/// A hit as an answer to this customer; `None` where too little of it is left without what is another customer's.
fn found<'index>(
    knowledge: &'index KnowledgeIndex,
    hit: &Hit<'index>,
    embedding: Option<&Embedding>,
    wanted: &Wanted<'_>,
) -> Option<Found<'index>> {
    let grounds = grounds_of(hit);
    if let Some(extract) = hit.extract {
        let written = Written {
            kind: hit.passage.kind,
            title: hit.passage.question.as_deref(),
            text: extract.to_owned(),
            sources: &hit.answer.sources,
        };
        return Some(Found { written, grounds });
    }
    let answers = match hit.passage.kind {
        SourceKind::Reply => knowledge.answers_to(hit, embedding),
        SourceKind::Faq | SourceKind::Article => vec![hit.answer],
    };
    let mut written = answers.into_iter().find_map(|answer| written(answer, wanted))?;
    written.title = hit.passage.question.as_deref();
    Some(Found { written, grounds })
}

fn written<'index>(answer: &'index knowledge::Answer, wanted: &Wanted<'_>) -> Option<Written<'index>> {
    let kind = answer.sources.first().map_or(SourceKind::Reply, |source| source.kind);
    let text = match kind {
        SourceKind::Reply => fill(&answer.text, &answer.slots, wanted.asked, wanted.context)?,
        SourceKind::Faq | SourceKind::Article => answer.text.clone(),
    };
    Some(Written { kind, title: None, text, sources: &answer.sources })
}

impl<'answering> Judged<'answering> {
    pub fn intent(&self) -> Option<&'answering str> {
        self.prediction.as_ref().and_then(|prediction| prediction.intent)
    }

    /// The topics that the customer could be asked to choose from.
    pub fn choices(&self) -> &[TopicScore] {
        let is_outside = self.prediction.as_ref().is_some_and(|prediction| prediction.out_of_scope.is_some());
        if self.nobody_answered || is_outside { &[] } else { choices(&self.topics) }
    }

    pub fn grounds(&self) -> Grounds {
        Grounds {
            intent: self.prediction.as_ref().map(|prediction| IntentGrounds {
                out_of_scope: prediction.out_of_scope.is_some(),
                confidence: f64::from(prediction.confidence),
                margin: f64::from(prediction.margin),
            }),
            answer: self.answer.as_ref().map(|found| found.grounds),
            question: self.question.as_ref().map(|found| found.grounds),
            choices: self.choices().len(),
        }
    }
}

/// A reply and what it rests on.
#[derive(Default)]
pub struct Draft {
    pub reply: Option<String>,
    pub sources: Vec<ReplySource>,
    pub confidence: Option<f64>,
}

/// The sources of a text as an answer names them.
pub fn named(sources: &[Source]) -> Vec<ReplySource> {
    let source = |source: &Source| ReplySource { kind: source.kind, upload_id: source.upload.clone(), row: source.row };
    sources.iter().take(MAX_SOURCES).map(source).collect()
}

impl Draft {
    fn of(written: &Written<'_>, confidence: f64) -> Self {
        Self { reply: Some(written.text.clone()), sources: named(written.sources), confidence: Some(confidence) }
    }
}
