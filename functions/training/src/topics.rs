//! Topics of a session's conversations: found, given the identity of those they continue, and kept.

use std::collections::{BTreeMap, HashMap};

use romashka_domain::TopicId;
use romashka_domain::topic::{Catalogue, FoundTopic, MappedTopic, TopicMap};
use romashka_domain::training::TrainingSession;
use romashka_learning::knowledge::{KnowledgeIndex, Text};
use romashka_learning::topics::{Exchange, KnownTopic, MAX_EXCHANGES, Topics, Utterance, induce};
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

    /// Keeps the topics of a version beside its index, and those of the tenant in the catalogue. Run again, it keeps the same.
    pub async fn keep(
        mut self,
        store: &TenantStore,
        session: &TrainingSession,
        index: &KnowledgeIndex,
    ) -> Result<(), Failure> {
        let model_id = session.model_id;
        for _ in 0..ATTEMPTS {
            let catalogue = store.topics().catalogue().await?;
            let known = known(store, &catalogue).await?;
            self.identify(&catalogue, &known);
            let ids: Vec<TopicId> = (0..)
                .zip(&self.topics.topics)
                .map(|(place, topic)| {
                    topic.id.as_ref().and_then(|id| id.parse().ok()).unwrap_or_else(|| TopicId::found(model_id, place))
                })
                .collect();
            let map = self.map(&ids, index);
            put(store, &Object::Topics(model_id), &map).await?;
            put(store, &Object::TopicMemory(model_id), &self.memory(&ids)).await?;
            if catalogue.model_id.is_none() && map.topics.is_empty() {
                return Ok(());
            }
            if store.topics().supersede(&catalogue, &catalogue.renewed(model_id, self.found(&ids))).await? {
                return Ok(());
            }
        }
        Err(Failure::Busy("topic catalogue"))
    }

    /// Gives topics the identities of those they continue, and splits those that people want to be split.
    fn identify(&mut self, catalogue: &Catalogue, known: &[KnownTopic]) {
        self.topics.match_previous(known);
        let wanted = catalogue.topics.iter().filter(|topic| topic.split).map(|topic| topic.id.to_string());
        let wanted: Vec<String> = wanted.collect();
        if !wanted.is_empty() {
            let exchanges = views(&self.exchanges);
            self.topics.split(&exchanges, &wanted);
        }
    }

    fn found(&self, ids: &[TopicId]) -> Vec<FoundTopic> {
        let all = self.exchanges.len().max(1) as f64;
        let found = |(topic, id): (&romashka_learning::topics::Topic, &TopicId)| FoundTopic {
            id: *id,
            name: topic.name.clone(),
            questions: topic.members.len() as u64,
            share: topic.members.len() as f64 / all,
        };
        self.topics.topics.iter().zip(ids).map(found).collect()
    }

    fn map(&self, ids: &[TopicId], index: &KnowledgeIndex) -> TopicMap {
        let topics = self.topics.topics.iter().zip(ids).map(|(topic, id)| MappedTopic {
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
        for (exchange, topic) in self.exchanges.iter().zip(&self.topics.topic_of) {
            if let Some(topic) = topic {
                topic_of.entry(ContentHash::of(&exchange.question.text, None)).or_insert(*topic as u32);
            }
        }
        // A passage answered questions of several topics at times: it belongs to that of the most.
        let of_passage = |position: usize| {
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            for topic in index.past_questions_of(position).iter().filter_map(|question| topic_of.get(question)) {
                *counts.entry(*topic).or_default() += 1;
            }
            counts.into_iter().max_by_key(|(topic, count)| (*count, std::cmp::Reverse(*topic))).map(|(topic, _)| topic)
        };
        TopicMap { topics: topics.collect(), passages: (0..index.passages().len()).map(of_passage).collect() }
    }

    fn memory(&self, ids: &[TopicId]) -> Memory {
        let remembered = self.topics.topics.iter().zip(ids).map(|(topic, id)| {
            let known = topic.known_as(&id.to_string());
            Remembered {
                id: *id,
                questions: known.questions.iter().map(ToString::to_string).collect(),
                centre: known.centre.as_ref().map(Embedding::to_hex),
            }
        });
        Memory { topics: remembered.collect() }
    }
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
