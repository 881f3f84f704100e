//! Model artefacts that this process has read.
//!
//! An artefact never changes, so what is kept here never grows stale; which one to use is asked of the table each
//! time. The key holds the tenant: two tenants whose artefacts are alike to the byte still do not share one.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use romashka_domain::TenantId;
use romashka_http::Problem;
use romashka_learning::Model;
use romashka_store::TenantStore;
use romashka_store::objects::Object;

/// Artefacts are kept up to this many bytes in all, as they lie in S3: a quarter of the function's memory, since read
/// they take about twice that.
const KEPT_BYTES: usize = 256 * 1024 * 1024;

static MODELS: LazyLock<Mutex<Kept>> = LazyLock::new(|| Mutex::new(Kept { models: LruCache::unbounded(), bytes: 0 }));

struct Kept {
    models: LruCache<(TenantId, String), (Arc<Model>, usize)>,
    bytes: usize,
}

impl Kept {
    fn put(&mut self, key: (TenantId, String), model: Arc<Model>, bytes: usize) {
        self.bytes += bytes;
        if let Some((_, replaced)) = self.models.put(key, (model, bytes)) {
            self.bytes -= replaced;
        }
        // The one just put in stays, however large: it is about to answer.
        while self.bytes > KEPT_BYTES && self.models.len() > 1 {
            let oldest = self.models.pop_lru();
            self.bytes -= oldest.map_or(0, |(_, (_, bytes))| bytes);
        }
    }
}

/// The tenant's artefact of this hash, from memory or from S3.
pub async fn load(store: &TenantStore, hash: &str) -> Result<Arc<Model>, Problem> {
    let key = (store.tenant().clone(), hash.to_owned());
    if let Some((model, _)) = MODELS.lock().unwrap_or_else(PoisonError::into_inner).models.get(&key) {
        return Ok(Arc::clone(model));
    }
    let bytes = store.objects().get(&Object::Model(hash.to_owned())).await?;
    let bytes = bytes.ok_or_else(|| Problem::internal("the deployed model's artefact is gone"))?;
    let model = Model::from_bytes(&bytes).map_err(|_| Problem::internal("the deployed artefact is not readable"))?;
    let model = Arc::new(model);
    MODELS.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&model), bytes.len());
    Ok(model)
}
