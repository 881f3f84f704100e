//! Topics of a session's conversations: found, given the identity of those they continue, and kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use romashka_domain::TopicId;
use romashka_domain::topic::{Catalogue, FoundTopic, MappedTopic, Topic as CatalogueTopic, TopicMap};
use romashka_domain::training::TrainingSession;
use romashka_learning::knowledge::{KnowledgeIndex, Text};
use romashka_learning::topics::{Exchange, KnownTopic, MAX_EXCHANGES, Topic, Topics, Utterance, induce};
use romashka_learning::{ContentHash, Embedding, Group};
use romashka_store::TenantStore;
use romashka_store::objects::Object;
use romashka_worker::Failure;
use serde::{Deserialize, Serialize};

/// Typical questions of a topic that are shown.
const EXAMPLES: usize = 5;
/// Characters of a typical question or reply that is shown.
const EXAMPLE_CHARS: usize = 300;
/// Attempts to change the catalogue beside people who change it.
const ATTEMPTS: usize = 8;

/// A question of a conversation and the answer it got, without what is true of that conversation alone.
pub(crate) struct Exchanged {
    pub conversation: Group,
    pub question: Text,
    /// `None` where nobody answered.
    pub reply: Option<Text>,
}

/// The topics of all exchanges.
pub(crate) struct Found {
    exchanges: Vec<Exchanged>,
    topics: Topics,
}

/// Topics of a version as the next one has to know them.
#[derive(Serialize, Deserialize)]
struct Memory {
    topics: Vec<Remembered>,
}

/// A topic's questions by their hashes, and the middle of their embeddings, both in hexadecimal.
#[derive(Serialize, Deserialize)]
struct Remembered {
    id: TopicId,
    questions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    centre: Option<String>,
}

impl Found {
    /// Finds topics. Of more exchanges than are sorted at once, those with the least content hashes.
    pub fn among(mut exchanges: Vec<Exchanged>) -> Self {
        exchanges.sort_by_cached_key(|it| {
            let reply = it.reply.as_ref().map(|reply| reply.text.as_str());
            (ContentHash::of(&it.question.text, reply), it.conversation)
        });
        exchanges.truncate(MAX_EXCHANGES);
        let topics = induce(&views(&exchanges)).unwrap_or_default();
        Self { exchanges, topics }
    }

    /// Keeps the topics of a version beside its index, and those of the tenant in the catalogue. Once both are there, a second
    /// run changes nothing: what people asked for was done by the first.
    pub async fn keep(
        &self,
        store: &TenantStore,
        session: &TrainingSession,
        index: &KnowledgeIndex,
    ) -> Result<(), Failure> {
        let model_id = session.model_id;
        // A version without conversations says nothing of topics, so the catalogue stays.
        if self.topics.topics.is_empty() {
            return put(store, &Object::Topics(model_id), &TopicMap::default()).await;
        }
        let served = served(store).await?;
        for _ in 0..ATTEMPTS {
            let catalogue = store.topics().catalogue().await?;
            if catalogue.model_id == Some(model_id) {
                return Ok(());
            }
            let known = known(store, &catalogue).await?;
            let named = self.identified(&catalogue, &known);
            let id = |(place, topic): (usize, &Topic)| {
                topic.id.as_ref().and_then(|id| id.parse().ok()).unwrap_or_else(|| TopicId::found(model_id, place))
            };
            let ids: Vec<TopicId> = named.topics.iter().enumerate().map(id).collect();
            put(store, &Object::Topics(model_id), &self.map(&named, &ids, index)).await?;
            put(store, &Object::TopicMemory(model_id), &memory(&named, &ids, &known, &catalogue)).await?;
            let next = catalogue.renewed(model_id, self.found(&named, &ids), &served);
            if store.topics().supersede(&catalogue, &next).await? {
                return Ok(());
            }
        }
        Err(Failure::Busy("topic catalogue"))
    }

    /// The topics with the identities of those they continue, and those in two that people want to be split.
    fn identified(&self, catalogue: &Catalogue, known: &[KnownTopic]) -> Topics {
        let mut topics = self.topics.clone();
        topics.match_previous(known);
        let wanted = catalogue.topics.iter().filter(|topic| topic.split).map(|topic| topic.id.to_string());
        topics.split(&views(&self.exchanges), &wanted.collect::<Vec<_>>());
        topics
    }

    fn found(&self, named: &Topics, ids: &[TopicId]) -> Vec<FoundTopic> {
        let all = self.exchanges.len().max(1) as f64;
        let found = |(topic, id): (&Topic, &TopicId)| FoundTopic {
            id: *id,
            name: topic.name.clone(),
            questions: topic.members.len() as u64,
            share: topic.members.len() as f64 / all,
        };
        named.topics.iter().zip(ids).map(found).collect()
    }

    fn map(&self, named: &Topics, ids: &[TopicId], index: &KnowledgeIndex) -> TopicMap {
        let topics = named.topics.iter().zip(ids).map(|(topic, id)| MappedTopic {
            id: *id,
            words: topic.words.iter().map(|word| word.word.clone()).collect(),
            examples: topic.exemplars.iter().take(EXAMPLES).map(|at| cut(&self.exchanges[*at].question.text)).collect(),
            reply: topic
                .exemplars
                .iter()
                .find_map(|at| self.exchanges[*at].reply.as_ref())
                .map(|reply| cut(&reply.text)),
        });
        let mut topic_of: HashMap<ContentHash, u32> = HashMap::new();
        for (exchange, topic) in self.exchanges.iter().zip(&named.topic_of) {
            if let Some(topic) = topic {
                topic_of.entry(ContentHash::of(&exchange.question.text, None)).or_insert(*topic as u32);
            }
        }
        // A passage answered questions of several topics at times: it belongs to that of the most.
        let of_passage = |questions: &[ContentHash]| {
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            for topic in questions.iter().filter_map(|question| topic_of.get(question)) {
                *counts.entry(*topic).or_default() += 1;
            }
            counts.into_iter().max_by_key(|(topic, count)| (*count, std::cmp::Reverse(*topic))).map(|(topic, _)| topic)
        };
        TopicMap { topics: topics.collect(), passages: index.past_questions().map(of_passage).collect() }
    }
}

/// Memory of these topics for the next version, and of those that people decided about and that were not found again.
fn memory(named: &Topics, ids: &[TopicId], known: &[KnownTopic], catalogue: &Catalogue) -> Memory {
    let found = named.topics.iter().zip(ids).map(|(topic, id)| Remembered::of(*id, &topic.known_as(&id.to_string())));
    let kept = known.iter().filter_map(|topic| {
        let id: TopicId = topic.id.parse().ok()?;
        let is_missed = !ids.contains(&id) && catalogue.get(id).is_some_and(CatalogueTopic::is_decided);
        is_missed.then(|| Remembered::of(id, topic))
    });
    Memory { topics: found.chain(kept).collect() }
}

impl Remembered {
    fn of(id: TopicId, known: &KnownTopic) -> Self {
        Self {
            id,
            questions: known.questions.iter().map(ToString::to_string).collect(),
            centre: known.centre.as_ref().map(Embedding::to_hex),
        }
    }
}

/// Topics that the deployed version answers by.
async fn served(store: &TenantStore) -> Result<BTreeSet<TopicId>, Failure> {
    let Some(deployment) = store.deployments().current().await? else { return Ok(BTreeSet::new()) };
    let bytes = store.objects().get(&Object::Topics(deployment.version.model_id)).await?;
    let map: TopicMap = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    Ok(map.topics.into_iter().map(|topic| topic.id).collect())
}

fn views(exchanges: &[Exchanged]) -> Vec<Exchange<'_>> {
    fn utterance(text: &Text) -> Utterance<'_> {
        Utterance { text: &text.text, embedding: text.embedding.as_ref() }
    }
    fn view(it: &Exchanged) -> Exchange<'_> {
        let (question, reply) = (utterance(&it.question), it.reply.as_ref().map(utterance));
        Exchange { conversation: it.conversation, question, reply }
    }
    exchanges.iter().map(view).collect()
}

/// Topics of the version that they were last looked for in, by the names that people gave them.
async fn known(store: &TenantStore, catalogue: &Catalogue) -> Result<Vec<KnownTopic>, Failure> {
    let Some(model_id) = catalogue.model_id else { return Ok(Vec::new()) };
    let Some(bytes) = store.objects().get(&Object::TopicMemory(model_id)).await? else { return Ok(Vec::new()) };
    let Ok(memory) = serde_json::from_slice::<Memory>(&bytes) else {
        tracing::warn!("the topics of the version before cannot be read; all are new");
        return Ok(Vec::new());
    };
    let known = memory.topics.into_iter().filter_map(|topic| {
        Some(KnownTopic {
            id: topic.id.to_string(),
            name: catalogue.get(topic.id)?.name.clone(),
            questions: topic.questions.iter().filter_map(|hash| ContentHash::from_hex(hash)).collect(),
            centre: topic.centre.as_deref().and_then(Embedding::from_hex),
        })
    });
    Ok(known.collect())
}

async fn put<T: Serialize>(store: &TenantStore, object: &Object, content: &T) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(content).map_err(|error| Failure::Unreadable(error.to_string()))?;
    store.objects().put(object, bytes).await?;
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(EXAMPLE_CHARS).collect()
}
