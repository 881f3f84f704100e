//! When corrections train: `T#<tenant>#RETRAINING` / `POLICY`, what they were gathered into: … / `GATHERED`, and the
//! tenants whose corrections train by themselves: `T#~#RETRAINING` / `<tenant>`.
//!
//! That last partition is the one list over tenants. It holds their names and nothing else, and is read once a day by the
//! function that retrains. No tenant is called `~`, so none can reach it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use romashka_domain::TenantId;
use romashka_domain::retraining::{Gathered, RetrainingPolicy};
use romashka_domain::upload::Upload;

use crate::error::{aws, malformed};
use crate::table::{Key, Table, Transacted, Unless, Write, s};
use crate::{Error, TenantStore, setting};

const PARTITION: &str = "RETRAINING";
const TENANTS: &str = "T#~#RETRAINING";

/// Tenants that are read in one request.
const TENANTS_AT_ONCE: i32 = 1_000;

/// The retraining of one tenant.
pub struct Retraining<'a> {
    store: &'a TenantStore,
}

impl<'a> Retraining<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// When corrections train by themselves; never, before somebody decides it.
    pub async fn policy(&self) -> Result<RetrainingPolicy, Error> {
        let policy = Table::open(self.store)?.get(&self.key("POLICY"), "retraining policy").await?;
        Ok(policy.unwrap_or_default())
    }

    /// Puts `next` in the place of `current`, and the tenant on or off the list; `false` where somebody else decided in
    /// between.
    pub async fn decide(&self, current: &RetrainingPolicy, next: &RetrainingPolicy) -> Result<bool, Error> {
        let table = Table::open(self.store)?;
        let unless = Unless::revised(current.revision);
        let policy = Write { key: self.key("POLICY"), body: next, entity: None, expires_at: None, unless };
        let listed = Key { pk: TENANTS.to_owned(), sk: self.store.tenant.to_string() }.attributes();
        let list = if next.enabled {
            let put = Put::builder().table_name(table.name()).set_item(Some(listed)).build();
            TransactWriteItem::builder().put(put.map_err(malformed("dynamodb:PutItem"))?).build()
        } else {
            let delete = Delete::builder().table_name(table.name()).set_key(Some(listed)).build();
            TransactWriteItem::builder().delete(delete.map_err(malformed("dynamodb:DeleteItem"))?).build()
        };
        match table.transact(vec![table.step(policy)?, list]).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused { .. } | Transacted::Busy => Ok(false),
        }
    }

    /// What corrections were gathered into.
    pub async fn gathered(&self) -> Result<Gathered, Error> {
        let gathered = Table::open(self.store)?.get(&self.key("GATHERED"), "gathered corrections").await?;
        Ok(gathered.unwrap_or_default())
    }

    /// Keeps the upload that corrections were gathered into, and that they were; both or neither. `false` where somebody
    /// else gathered in between.
    pub async fn keep(&self, upload: &Upload, current: &Gathered, next: &Gathered) -> Result<bool, Error> {
        let table = Table::open(self.store)?;
        let upload = self.store.uploads().write(upload, Unless::Exists);
        let unless = Unless::revised(current.revision);
        let gathered = Write { key: self.key("GATHERED"), body: next, entity: None, expires_at: None, unless };
        match table.transact(vec![table.step(upload)?, table.step(gathered)?]).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused { .. } | Transacted::Busy => Ok(false),
        }
    }

    fn key(&self, sk: &str) -> Key {
        Key::new(&self.store.tenant, PARTITION, sk)
    }
}

/// Up to 1,000 tenants whose corrections train by themselves, in order of name, after this one; none at the end.
pub(crate) async fn tenants(client: &Client, after: Option<&TenantId>) -> Result<Vec<TenantId>, Error> {
    let after = after.map(|tenant| Key { pk: TENANTS.to_owned(), sk: tenant.to_string() }.attributes());
    let output = client
        .query()
        .table_name(setting("TABLE")?)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", s(TENANTS))
        .limit(TENANTS_AT_ONCE)
        .set_exclusive_start_key(after)
        .send()
        .await
        .map_err(aws("dynamodb:Query"))?;
    let names = output.items().iter().filter_map(|item| item.get("sk").and_then(|sk| sk.as_s().ok()));
    let unreadable = |_| Error::Corrupt { what: "retraining tenant", why: "not a tenant id".to_owned() };
    names.map(|name| name.parse().map_err(unreadable)).collect()
}
