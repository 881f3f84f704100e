//! Uploads: `T#<tenant>#UPLOAD` / `<upload id>`.

use romashka_domain::time::after;
use romashka_domain::upload::{Upload, UploadState};
use romashka_domain::{NotAllowed, UploadId};

use crate::backoff::Backoff;
use crate::table::{Key, Table, Unless, Write, entity};
use crate::{ChangeError, Cursor, Error, Page, PageSize, TenantStore};

const WHAT: &str = "upload";
const PARTITION: &str = "UPLOAD";

/// How long an announced file is remembered that does not come, in seconds: longer than any address to send it to works.
const AWAITED_SECONDS: i64 = 2 * 24 * 3600;

/// Uploaded files of one tenant.
pub struct Uploads<'a> {
    store: &'a TenantStore,
}

impl<'a> Uploads<'a> {
    pub(crate) fn new(store: &'a TenantStore) -> Self {
        Self { store }
    }

    /// The upload, or `None` where this tenant has none of that id.
    pub async fn get(&self, id: UploadId) -> Result<Option<Upload>, Error> {
        Table::open(self.store)?.get(&self.key(id), WHAT).await
    }

    /// Uploads, newest first.
    pub async fn list(&self, size: PageSize, from: Option<&Cursor>) -> Result<Page<Upload>, Error> {
        Table::open(self.store)?.page(PARTITION, size, from, WHAT).await
    }

    /// Keeps a new upload; `false` where there is one of that id already.
    pub async fn create(&self, upload: &Upload) -> Result<bool, Error> {
        self.put(upload, Unless::Exists).await
    }

    /// Changes an upload as it stands now, however many others change it at the same time.
    pub async fn change(
        &self,
        id: UploadId,
        mut step: impl FnMut(&mut Upload) -> Result<(), NotAllowed>,
    ) -> Result<Upload, ChangeError> {
        let mut backoff = Backoff::default();
        loop {
            let mut upload = self.get(id).await?.ok_or(ChangeError::NotFound(WHAT))?;
            let was = upload.seq;
            step(&mut upload)?;
            if upload.seq == was || self.put(&upload, Unless::Changed { attribute: "seq", was }).await? {
                return Ok(upload);
            }
            backoff.wait("upload:change").await?;
        }
    }

    async fn put(&self, upload: &Upload, unless: Unless<'_>) -> Result<bool, Error> {
        Table::open(self.store)?.put(self.write(upload, unless)).await
    }

    /// The upload as it is to be written, for a transaction too.
    pub(crate) fn write<'w>(&self, upload: &'w Upload, unless: Unless<'w>) -> Write<'w, Upload> {
        // What was announced and never came is forgotten.
        let is_awaited = upload.state == UploadState::Pending;
        let expires_at = is_awaited.then(|| after(upload.created_at, AWAITED_SECONDS).as_second());
        Write { key: self.key(upload.id), body: upload, entity: Some(entity::UPLOAD), expires_at, unless }
    }

    fn key(&self, id: UploadId) -> Key {
        Key::new(&self.store.tenant, PARTITION, id.to_string())
    }
}
