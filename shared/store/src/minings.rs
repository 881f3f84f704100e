//! Searches for reply templates: `T#<tenant>#MINING` / `<mining id>`. They are forgotten with what they found.

use romashka_domain::mining::{KEPT_DAYS, Mining};
use romashka_domain::time::after;
use romashka_domain::{MiningId, NotAllowed};

use crate::backoff::Backoff;
use crate::table::{Key, Table, Unless, Write, entity};
use crate::{ChangeError, Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "mining";
const PARTITION: &str = "MINING";

/// The minings of one tenant.
pub struct Minings<'a> {
    store: &'a TenantStore,
}

impl<'a> Minings<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The mining, or `None` where this tenant has none of that id.
    pub async fn get(&self, id: MiningId) -> Result<Option<Mining>, Error> {
        Table::open(self.store)?.get(&self.key(id), WHAT).await
    }

    /// Minings, newest first.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<Mining>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// Keeps a new mining; `false` where there is one of that id already.
    pub async fn create(&self, mining: &Mining) -> Result<bool, Error> {
        self.put(mining, Unless::Exists).await
    }

    /// Changes a mining as it stands now, however many others change it at the same time.
    pub async fn change(
        &self,
        id: MiningId,
        mut step: impl FnMut(&mut Mining) -> Result<(), NotAllowed>,
    ) -> Result<Mining, ChangeError> {
        let mut backoff = Backoff::default();
        loop {
            let mut mining = self.get(id).await?.ok_or(ChangeError::NotFound(WHAT))?;
            let was = mining.seq;
            step(&mut mining)?;
            if mining.seq == was || self.put(&mining, Unless::Changed { attribute: "seq", was }).await? {
                return Ok(mining);
            }
            backoff.wait("mining:change").await?;
        }
    }

    async fn put(&self, mining: &Mining, unless: Unless<'_>) -> Result<bool, Error> {
        let expires_at = Some(after(mining.created_at, KEPT_DAYS * 24 * 3600).as_second());
        let write = Write { key: self.key(mining.id), body: mining, entity: Some(entity::MINING), expires_at, unless };
        Table::open(self.store)?.put(write).await
    }

    fn key(&self, id: MiningId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }
}
