//! The tenant's topics.

use std::collections::BTreeMap;

use romashka_domain::topic::{Catalogue, MappedTopic, Topic, TopicMap};
use romashka_domain::{ModelId, Permission, TopicId};
use romashka_http::{Problem, Refusals, Reply, Request};
use romashka_store::objects::Object;
use serde::Serialize;
use utoipa::ToSchema;

/// A topic with what it is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DescribedTopic {
    #[serde(flatten)]
    topic: Topic,
    /// Its most telling words, the most telling first; empty where it was not found again.
    words: Vec<String>,
    /// Typical questions of customers, redacted.
    examples: Vec<String>,
    /// A typical reply, with `{{ … }}` for what is true of one customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
}

/// All topics of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopicList {
    /// Counts the changes; the `ETag` of the list, which a change names in `If-Match`.
    revision: u64,
    /// The topics, those of the most questions first.
    items: Vec<DescribedTopic>,
}

/// List the topics that training found in the tenant's conversations.
#[utoipa::path(
    get, path = "/v1/topics", operation_id = "topics.list", tag = "topics",
    responses((status = 200, description = "All topics, at most 300.", body = TopicList), Refusals)
)]
pub async fn list_topics(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadModels)?;
    let Catalogue { revision, topics, .. } = caller.store.topics().catalogue().await?;
    let mut maps: BTreeMap<ModelId, BTreeMap<TopicId, MappedTopic>> = BTreeMap::new();
    for model_id in topics.iter().map(|topic| topic.model_id) {
        if !maps.contains_key(&model_id) {
            let bytes = caller.store.objects().get(&Object::Topics(model_id)).await?;
            let map: TopicMap = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
            maps.insert(model_id, map.topics.into_iter().map(|topic| (topic.id, topic)).collect());
        }
    }
    let described = |topic: Topic| {
        let mapped = maps.get(&topic.model_id).and_then(|map| map.get(&topic.id)).cloned();
        let (words, examples, reply) = mapped.map(|it| (it.words, it.examples, it.reply)).unwrap_or_default();
        DescribedTopic { topic, words, examples, reply }
    };
    let items = topics.into_iter().map(described).collect();
    Ok(Reply::ok(&TopicList { revision, items })?.etag(revision))
}
