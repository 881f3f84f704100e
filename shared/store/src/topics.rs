//! Topics of a tenant: `T#<tenant>#TOPIC` / `CATALOGUE`.

use romashka_domain::topic::Catalogue;

use crate::table::{Key, Table, Unless, Write};
use crate::{Error, TenantStore};

const PARTITION: &str = "TOPIC";

/// Topics of one tenant.
pub struct Topics<'a> {
    store: &'a TenantStore,
}

impl<'a> Topics<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// All topics; none before a training has found some.
    pub async fn catalogue(&self) -> Result<Catalogue, Error> {
        let catalogue = Table::open(self.store)?.get(&self.key(), "topic catalogue").await?;
        Ok(catalogue.unwrap_or_default())
    }

    /// Puts `next` in the place of `current`; `false` where somebody else changed it in between.
    pub async fn supersede(&self, current: &Catalogue, next: &Catalogue) -> Result<bool, Error> {
        let unless = Unless::revised(current.revision);
        let write = Write { key: self.key(), body: next, entity: None, expires_at: None, unless };
        Table::open(self.store)?.put(write).await
    }

    fn key(&self) -> Key {
        Key::new(&self.store.tenant, PARTITION, "CATALOGUE")
    }
}
