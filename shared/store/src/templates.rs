//! Reply templates: `T#<tenant>#TEMPLATE` / `<id>`, each version: `T#<tenant>#TEMPLATE#<id>` / `<ten digits>`, and who has a
//! shortcut: `T#<tenant>#SHORTCUT` / `<code>`.
//!
//! A change, its version, its shortcut, its audit record (`T#<tenant>#AUDIT` / `<id>`) and that the search index does not know of
//! it yet are one transaction.

use romashka_domain::TemplateId;
use romashka_domain::audit::AuditRecord;
use romashka_domain::template::{Changed, Shortcut, Template, TemplateVersion};
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::table::{Item, Key, Table, Transacted, Unless, Write, entity, s};
use crate::{Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "template";
const PARTITION: &str = "TEMPLATE";

/// The templates of one tenant.
pub struct Templates<'a> {
    store: &'a TenantStore,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is made.
    Done,
    /// Another template has the shortcut.
    ShortcutTaken,
    /// The template is not as it was read, or is there already.
    Overtaken,
}

/// Who has a shortcut.
#[derive(Serialize, Deserialize)]
struct Holder {
    template_id: TemplateId,
}

impl<'a> Templates<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// A template, deleted or not.
    pub async fn get(&self, id: TemplateId) -> Result<Option<Template>, Error> {
        Table::open(self.store)?.get(&self.key(id), WHAT).await
    }

    /// Those of the templates that there are, deleted or not, in no order.
    pub async fn get_many(&self, ids: &[TemplateId]) -> Result<Vec<Template>, Error> {
        let keys: Vec<Key> = ids.iter().map(|id| self.key(*id)).collect();
        Table::open(self.store)?.get_many(&keys, WHAT).await
    }

    /// Templates, newest first, deleted or not.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<Template>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// The template that has this shortcut.
    pub async fn holder(&self, shortcut: &Shortcut) -> Result<Option<TemplateId>, Error> {
        let holder: Option<Holder> = Table::open(self.store)?.get(&self.shortcut(shortcut), "shortcut").await?;
        Ok(holder.map(|holder| holder.template_id))
    }

    /// A version of a template.
    pub async fn version(&self, id: TemplateId, version: u64) -> Result<Option<TemplateVersion>, Error> {
        Table::open(self.store)?.get(&self.version_key(id, version), "template version").await
    }

    /// The versions of a template, newest first.
    pub async fn versions(
        &self,
        id: TemplateId,
        size: PageSize,
        from: Option<&Cursor>,
    ) -> Result<Page<TemplateVersion>, Error> {
        Table::open(self.store)?.page(&versions(id), size, from, "template version").await
    }

    /// Makes a change: the template as it is now in the place of `before`, or where none was, its version and the record,
    /// all of them or none.
    pub async fn write(
        &self,
        before: Option<&Template>,
        changed: &Changed,
        record: &AuditRecord,
    ) -> Result<Written, Error> {
        let table = Table::open(self.store)?;
        let Changed { template, version } = changed;
        let unless = match before {
            None => Unless::Exists,
            Some(before) => Unless::Changed { attribute: "version", was: before.version },
        };
        let now = Write {
            key: self.key(template.id),
            body: template,
            entity: Some(entity::TEMPLATE),
            expires_at: None,
            unless,
        };
        let kept = Write {
            key: self.version_key(template.id, version.version),
            body: version,
            entity: None,
            expires_at: None,
            unless: Unless::Exists,
        };
        let audit = Write {
            key: Key::new(&self.store.tenant, "AUDIT", self.store.ids().next().to_string()),
            body: record,
            entity: None,
            expires_at: None,
            unless: Unless::Exists,
        };
        let unindexed = self.store.search_index().step_of_marking(&table, template.id)?;
        let mut steps = vec![table.step(now)?, table.step(kept)?, table.step(audit)?, unindexed];
        let others = steps.len();
        let (had, has) = (before.and_then(shortcut_in_use), shortcut_in_use(template));
        if had != has {
            if let Some(shortcut) = has {
                let holder = Holder { template_id: template.id };
                let values = Item::from([(":id".to_owned(), s(template.id.to_string()))]);
                let expression = "attribute_not_exists(pk) OR template_id = :id";
                let unless = Unless::Not { expression, values };
                let taken =
                    Write { key: self.shortcut(shortcut), body: &holder, entity: None, expires_at: None, unless };
                steps.push(table.step(taken)?);
            }
            if let Some(shortcut) = had {
                steps.push(table.step_of_deleting(&self.shortcut(shortcut))?);
            }
        }
        let mut backoff = Backoff::default();
        loop {
            match table.transact(steps.clone()).await? {
                Transacted::Done => return Ok(Written::Done),
                Transacted::Refused { step } if step >= others => return Ok(Written::ShortcutTaken),
                Transacted::Refused { .. } => return Ok(Written::Overtaken),
                Transacted::Busy => backoff.wait("dynamodb:TransactWriteItems").await?,
            }
        }
    }

    fn key(&self, id: TemplateId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }

    fn version_key(&self, id: TemplateId, version: u64) -> Key {
        Key::new(&self.store.tenant, &versions(id), format!("{version:010}"))
    }

    fn shortcut(&self, shortcut: &Shortcut) -> Key {
        Key::new(&self.store.tenant, "SHORTCUT", shortcut.as_str())
    }
}

/// The partition of a template's versions.
fn versions(id: TemplateId) -> String {
    format!("{PARTITION}#{id}")
}

/// The shortcut that a template holds: none while it is deleted.
fn shortcut_in_use(template: &Template) -> Option<&Shortcut> {
    template.content.shortcut.as_ref().filter(|_| template.deleted_at.is_none())
}
