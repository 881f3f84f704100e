//! Which model answers: `T#<tenant>#DEPLOYMENT` / `CURRENT`, and every decision before it: … / `REVISION#<ten digits>`.

use romashka_domain::model::Deployment;

use crate::table::{Key, Table, Transacted, Unless, Write};
use crate::{Error, TenantStore};

const WHAT: &str = "deployment";
const PARTITION: &str = "DEPLOYMENT";

/// The deployment of one tenant.
pub struct Deployments<'a> {
    store: &'a TenantStore,
}

impl<'a> Deployments<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The deployment in force, or `None` before the first.
    pub async fn current(&self) -> Result<Option<Deployment>, Error> {
        Table::open(self.store)?.get(&self.key("CURRENT"), WHAT).await
    }

    /// Puts `next` in force and into the record, both or neither; `false` where somebody else decided in between.
    pub async fn supersede(&self, current: Option<&Deployment>, next: &Deployment) -> Result<bool, Error> {
        let table = Table::open(self.store)?;
        let unless = match current {
            None => Unless::Exists,
            Some(current) => Unless::Changed { attribute: "revision", was: current.revision },
        };
        let in_force = Write { key: self.key("CURRENT"), body: next, entity: None, expires_at: None, unless };
        let record = Write {
            key: self.key(&format!("REVISION#{:010}", next.revision)),
            body: next,
            entity: None,
            expires_at: None,
            unless: Unless::Exists,
        };
        match table.transact(vec![table.step(in_force)?, table.step(record)?]).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused { .. } | Transacted::Busy => Ok(false),
        }
    }

    fn key(&self, sk: &str) -> Key {
        Key::new(&self.store.tenant, PARTITION, sk)
    }
}
