//! Model versions: `T#<tenant>#MODEL` / `<model id>`. Written once, never changed.

use romashka_domain::ModelId;
use romashka_domain::model::Model;

use crate::table::{Key, Table, Unless, Write};
use crate::{Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "model";
const PARTITION: &str = "MODEL";

/// Model versions of one tenant.
pub struct Models<'a> {
    store: &'a TenantStore,
}

impl<'a> Models<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The model version, or `None` where this tenant has none of that id.
    pub async fn get(&self, id: ModelId) -> Result<Option<Model>, Error> {
        Table::open(self.store)?.get(&self.key(id), WHAT).await
    }

    /// Model versions, newest first.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<Model>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// Keeps a new version. Keeping it a second time changes nothing: what makes it is deterministic.
    pub async fn keep(&self, model: &Model) -> Result<(), Error> {
        let write =
            Write { key: self.key(model.id), body: model, entity: None, expires_at: None, unless: Unless::Exists };
        Table::open(self.store)?.put(write).await.map(|_| ())
    }

    fn key(&self, id: ModelId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }
}
