//! What a tenant decides about redaction: `T#<tenant>#SETTINGS` / `REDACTION`.

use romashka_domain::redaction::RedactionPolicy;

use crate::table::{Key, Table, Unless, Write};
use crate::{Error, TenantStore};

/// The policy of one tenant.
pub struct Redaction<'a> {
    store: &'a TenantStore,
}

impl<'a> Redaction<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// What is hidden; everything, before somebody decides it.
    pub async fn policy(&self) -> Result<RedactionPolicy, Error> {
        let policy = Table::open(self.store)?.get(&self.key(), "redaction policy").await?;
        Ok(policy.unwrap_or_default())
    }

    /// Puts `next` in the place of `current`; `false` where somebody else decided in between.
    pub async fn decide(&self, current: &RedactionPolicy, next: &RedactionPolicy) -> Result<bool, Error> {
        let unless = Unless::revised(current.revision);
        Table::open(self.store)?
            .put(Write { key: self.key(), body: next, entity: None, expires_at: None, unless })
            .await
    }

    fn key(&self) -> Key {
        Key::new(&self.store.tenant, "SETTINGS", "REDACTION")
    }
}
