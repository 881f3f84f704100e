//! Model artefacts that this process has read.
//!
//! An artefact never changes, so what is kept here never grows stale; which one to use is asked of the table each
//! time. The key holds the tenant: two tenants whose artefacts are alike to the byte still do not share one.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use romashka_domain::TenantId;
use romashka_http::Problem;
use romashka_learning::Model;
use romashka_store::TenantStore;
use romashka_store::objects::Object;

/// How many artefacts are kept; about 2 MB each.
const KEPT: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not zero");

type Key = (TenantId, String);

static MODELS: LazyLock<Mutex<LruCache<Key, Arc<Model>>>> = LazyLock::new(|| Mutex::new(LruCache::new(KEPT)));

/// The tenant's artefact of this hash, from memory or from S3.
pub async fn load(store: &TenantStore, hash: &str) -> Result<Arc<Model>, Problem> {
    let key = (store.tenant().clone(), hash.to_owned());
    if let Some(model) = MODELS.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(model));
    }
    let bytes = store.objects().get(&Object::Model(hash.to_owned())).await?;
    let bytes = bytes.ok_or_else(|| Problem::internal("the deployed model's artefact is gone"))?;
    let model = Arc::new(Model::from_bytes(&bytes).map_err(Problem::internal)?);
    MODELS.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&model));
    Ok(model)
}
