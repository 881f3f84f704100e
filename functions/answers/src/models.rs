//! Model artefacts that this process has read.

use std::sync::Arc;

use romashka_domain::ModelId;
use romashka_domain::topic::TopicMap;
use romashka_http::Problem;
use romashka_learning::Model;
use romashka_learning::knowledge::KnowledgeIndex;
use romashka_store::TenantStore;
use romashka_store::kept::Kept;
use romashka_store::objects::Object;

/// Artefacts are kept up to this many bytes of each kind: a quarter of the function's memory.
const KEPT_BYTES: usize = 128 * 1024 * 1024;
/// Bytes of topics that are kept, at most.
const TOPICS_BYTES: usize = 16 * 1024 * 1024;

static MODELS: Kept<Model> = Kept::new(KEPT_BYTES);
static KNOWLEDGE: Kept<KnowledgeIndex> = Kept::new(KEPT_BYTES);
static TOPICS: Kept<TopicMap> = Kept::new(TOPICS_BYTES);

/// The tenant's model of this hash.
pub async fn load(store: &TenantStore, hash: &str) -> Result<Arc<Model>, Problem> {
    let model = MODELS.get(store, hash, &Object::Model(hash.to_owned()), |bytes| Model::from_bytes(bytes).ok()).await?;
    model.ok_or_else(gone)
}

/// The tenant's knowledge index of this hash; `None` where it was written by an earlier version of the method, or is gone. The
/// log says so, and intents go on.
pub async fn load_knowledge(store: &TenantStore, hash: &str) -> Result<Option<Arc<KnowledgeIndex>>, Problem> {
    let read = |bytes: &[u8]| KnowledgeIndex::from_bytes(bytes).ok();
    let index = KNOWLEDGE.get(store, hash, &Object::Knowledge(hash.to_owned()), read).await?;
    if index.is_none() {
        tracing::error!("the deployed version's knowledge index cannot be read; train anew");
    }
    Ok(index)
}

/// The topics of a model version; none of one that was trained before there were any.
pub async fn load_topics(store: &TenantStore, model: ModelId) -> Result<Arc<TopicMap>, Problem> {
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).ok();
    let topics = TOPICS.get(store, &model.to_string(), &Object::Topics(model), read).await?;
    Ok(topics.unwrap_or_default())
}

fn gone() -> Problem {
    Problem::internal("what the deployed version answers by is gone or not readable; train anew")
}
