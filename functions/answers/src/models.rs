//! Model artefacts that this process has read.
//!
//! An artefact never changes, so what is kept here never grows stale; which one to use is asked of the table each
//! time. The key holds the tenant: two tenants whose artefacts are alike to the byte still do not share one.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use romashka_domain::TenantId;
use romashka_http::Problem;
use romashka_learning::Model;
use romashka_learning::knowledge::KnowledgeIndex;
use romashka_store::TenantStore;
use romashka_store::objects::Object;

/// Artefacts are kept up to this many bytes in all of each kind, as they lie in S3: a quarter of the function's memory, since read
/// they take about twice that.
const KEPT_BYTES: usize = 128 * 1024 * 1024;

static MODELS: LazyLock<Mutex<Kept<Model>>> = LazyLock::new(|| Mutex::new(Kept::default()));
static KNOWLEDGE: LazyLock<Mutex<Kept<KnowledgeIndex>>> = LazyLock::new(|| Mutex::new(Kept::default()));

struct Kept<T> {
    artefacts: LruCache<(TenantId, String), (Arc<T>, usize)>,
    bytes: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { artefacts: LruCache::unbounded(), bytes: 0 }
    }
}

impl<T> Kept<T> {
    fn put(&mut self, key: (TenantId, String), artefact: Arc<T>, bytes: usize) {
        self.bytes += bytes;
        if let Some((_, replaced)) = self.artefacts.put(key, (artefact, bytes)) {
            self.bytes -= replaced;
        }
        // The one just put in stays, however large: it is about to answer.
        while self.bytes > KEPT_BYTES && self.artefacts.len() > 1 {
            let oldest = self.artefacts.pop_lru();
            self.bytes -= oldest.map_or(0, |(_, (_, bytes))| bytes);
        }
    }
}

/// The tenant's model of this hash, from memory or from S3.
pub async fn load(store: &TenantStore, hash: &str) -> Result<Arc<Model>, Problem> {
    load_from(&MODELS, store, hash, Object::Model(hash.to_owned()), |bytes| Model::from_bytes(bytes).ok()).await
}

/// The tenant's knowledge index of this hash, from memory or from S3.
pub async fn load_knowledge(store: &TenantStore, hash: &str) -> Result<Arc<KnowledgeIndex>, Problem> {
    let read = |bytes: &[u8]| KnowledgeIndex::from_bytes(bytes).ok();
    load_from(&KNOWLEDGE, store, hash, Object::Knowledge(hash.to_owned()), read).await
}

async fn load_from<T>(
    kept: &Mutex<Kept<T>>,
    store: &TenantStore,
    hash: &str,
    object: Object,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Arc<T>, Problem> {
    let key = (store.tenant().clone(), hash.to_owned());
    if let Some((artefact, _)) = kept.lock().unwrap_or_else(PoisonError::into_inner).artefacts.get(&key) {
        return Ok(Arc::clone(artefact));
    }
    let bytes = store.objects().get(&object).await?;
    let bytes = bytes.ok_or_else(|| Problem::internal("what the deployed version answers by is gone"))?;
    let artefact = read(&bytes).ok_or_else(|| Problem::internal("the deployed version is not readable; train anew"))?;
    let artefact = Arc::new(artefact);
    kept.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&artefact), bytes.len());
    Ok(artefact)
}
