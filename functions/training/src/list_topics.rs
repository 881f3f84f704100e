//! The tenant's topics.

use std::collections::{BTreeMap, BTreeSet};

use romashka_domain::topic::{Catalogue, MappedTopic, Topic, TopicMap};
use romashka_domain::{ModelId, Permission, TopicId};
use romashka_http::{Problem, Refusals, Reply, Request};
use romashka_store::objects::Object;
use serde::Serialize;
use utoipa::ToSchema;

/// Versions whose examples are read, at most: the latest. Topics that were not found again for longer have none.
const MOST_VERSIONS: usize = 10;

/// A topic with what it is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DescribedTopic {
    #[serde(flatten)]
    topic: Topic,
    /// Its most telling words, the most telling first; empty where it was not found again for long.
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
    let versions: BTreeSet<ModelId> = topics.iter().map(|topic| topic.model_id).collect();
    let mut mapped: BTreeMap<(ModelId, TopicId), MappedTopic> = BTreeMap::new();
    for model_id in versions.into_iter().rev().take(MOST_VERSIONS) {
        let bytes = caller.store.objects().get(&Object::Topics(model_id)).await?;
        let map: TopicMap = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        mapped.extend(map.topics.into_iter().map(|topic| ((model_id, topic.id), topic)));
    }
    let described = |topic: Topic| {
        let mapped = mapped.get(&(topic.model_id, topic.id)).cloned();
        let (words, examples, reply) = mapped.map(|it| (it.words, it.examples, it.reply)).unwrap_or_default();
        DescribedTopic { topic, words, examples, reply }
    };
    let items = topics.into_iter().map(described).collect();
    Ok(Reply::ok(&TopicList { revision, items })?.etag(revision))
}
