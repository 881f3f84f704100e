//! What this process has read from the bucket and may need again.
//!
//! An artefact that is named by its content never changes, so what is kept here never grows stale; which one to use is asked of
//! the table. The key holds the tenant: two tenants whose artefacts are alike to the byte still do not share one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use romashka_domain::TenantId;

use crate::objects::Object;
use crate::{Error, TenantStore};

/// Artefacts of one kind, at most so many bytes of them as they lie in the bucket.
pub struct Kept<T> {
    most_bytes: usize,
    held: Mutex<Option<Held<T>>>,
}

struct Held<T> {
    artefacts: LruCache<(TenantId, String), (Arc<T>, usize)>,
    bytes: usize,
}

impl<T> Kept<T> {
    /// Keeps up to so many bytes; read, artefacts take about twice that.
    pub const fn new(most_bytes: usize) -> Self {
        Self { most_bytes, held: Mutex::new(None) }
    }

    /// The tenant's artefact of this hash, from memory or, made of its bytes by `read`, from the bucket; `None` where it is not
    /// there or not readable.
    pub async fn get(
        &self,
        store: &TenantStore,
        hash: &str,
        object: &Object,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<Arc<T>>, Error> {
        let key = (store.tenant().clone(), hash.to_owned());
        if let Some(held) = self.lock().as_mut()
            && let Some((artefact, _)) = held.artefacts.get(&key)
        {
            return Ok(Some(Arc::clone(artefact)));
        }
        let Some(bytes) = store.objects().get(object).await? else { return Ok(None) };
        let Some(artefact) = read(&bytes).map(Arc::new) else { return Ok(None) };
        self.put(key, Arc::clone(&artefact), bytes.len());
        Ok(Some(artefact))
    }

    fn put(&self, key: (TenantId, String), artefact: Arc<T>, bytes: usize) {
        let mut held = self.lock();
        let held = held.get_or_insert_with(|| Held { artefacts: LruCache::unbounded(), bytes: 0 });
        held.bytes += bytes;
        if let Some((_, replaced)) = held.artefacts.put(key, (artefact, bytes)) {
            held.bytes -= replaced;
        }
        // The one just put in stays, however large: it is about to be used.
        while held.bytes > self.most_bytes && held.artefacts.len() > 1 {
            let oldest = held.artefacts.pop_lru();
            held.bytes -= oldest.map_or(0, |(_, (_, bytes))| bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held<T>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
