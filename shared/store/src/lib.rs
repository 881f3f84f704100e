//! Everything a function touches outside itself: the table, objects, queues, sockets, the clock.
//!
//! [`Cloud`] holds the clients. It reads and writes nothing by itself: only [`Cloud::tenant`] opens the rooms in
//! which data lives, so code that forgets the tenant does not compile. Every key of the table and of the bucket
//! begins with that tenant, and is built beside the entity it belongs to, in this crate and nowhere else.

mod backoff;
pub mod claims;
mod clock;
pub mod connections;
pub mod deployments;
mod error;
pub mod feedback;
pub mod idempotency;
pub mod kept;
pub mod minings;
pub mod models;
pub mod objects;
pub mod queues;
pub mod redaction;
pub mod retraining;
pub mod search_index;
pub mod sessions;
pub mod sockets;
mod table;
pub mod template_uses;
pub mod templates;
pub mod tickets;
pub mod topics;
pub mod uploads;

use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use romashka_domain::{Clock, IdSource, TenantId, Timestamp};

pub use crate::clock::{SystemClock, SystemIds};
pub use crate::error::{ChangeError, Error};
pub use crate::table::{Cursor, Page, PageSize, entity};

/// The clients of AWS, the clock and the source of identifiers. Cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    sdk: aws_config::SdkConfig,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl Cloud {
    /// The cloud as the environment describes it (region, credentials, endpoint).
    pub async fn from_env() -> Self {
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(timeouts(REQUEST_SECONDS))
            .load()
            .await;
        Self::new(sdk, Arc::new(SystemClock), Arc::new(SystemIds))
    }

    /// A cloud with this configuration, clock and source of identifiers.
    pub fn new(sdk: aws_config::SdkConfig, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: objects::client(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            sdk,
            clock,
            ids,
        }
    }

    /// Lets a message of a queue come back after so many seconds instead of its queue's visibility timeout.
    pub async fn come_back(&self, queue_arn: &str, receipt_handle: &str, seconds: i32) -> Result<(), Error> {
        queues::come_back(&self.sqs, queue_arn, receipt_handle, seconds).await
    }

    /// The rooms of one tenant.
    pub fn tenant(&self, tenant: TenantId) -> TenantStore {
        TenantStore { cloud: self.clone(), tenant }
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The source of identifiers.
    pub fn ids(&self) -> &dyn IdSource {
        &*self.ids
    }

    /// Up to 1,000 tenants whose corrections train by themselves, in order of name, after this one; none at the end.
    pub async fn retraining_tenants(&self, after: Option<&TenantId>) -> Result<Vec<TenantId>, Error> {
        retraining::tenants(&self.dynamodb, after).await
    }

    /// Whether the table and the bucket answer; the error names the one that does not.
    pub async fn check(&self) -> Result<(), Error> {
        table::check(&self.dynamodb).await?;
        objects::check(&self.s3).await
    }
}

/// One tenant's data. Every repository starts here.
#[derive(Clone)]
pub struct TenantStore {
    cloud: Cloud,
    tenant: TenantId,
}

impl TenantStore {
    /// Whose data this is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    /// The source of identifiers.
    pub fn ids(&self) -> &dyn IdSource {
        self.cloud.ids()
    }

    /// Uploaded files.
    pub fn uploads(&self) -> uploads::Uploads<'_> {
        uploads::Uploads::new(self)
    }

    /// What is hidden in what the tenant sends.
    pub fn redaction(&self) -> redaction::Redaction<'_> {
        redaction::Redaction::new(self)
    }

    /// Training sessions and the batches that are in.
    pub fn sessions(&self) -> sessions::Sessions<'_> {
        sessions::Sessions::new(self)
    }

    /// Who is at work on what.
    pub fn claims(&self) -> claims::Claims<'_> {
        claims::Claims::new(self)
    }

    /// Model versions.
    pub fn models(&self) -> models::Models<'_> {
        models::Models::new(self)
    }

    /// Which model version answers.
    pub fn deployments(&self) -> deployments::Deployments<'_> {
        deployments::Deployments::new(self)
    }

    /// Feedback on answers, and the corrections in it.
    pub fn feedback(&self) -> feedback::Feedbacks<'_> {
        feedback::Feedbacks::new(self)
    }

    /// When corrections train, and what they were gathered into.
    pub fn retraining(&self) -> retraining::Retraining<'_> {
        retraining::Retraining::new(self)
    }

    /// Topics that customers write about.
    pub fn topics(&self) -> topics::Topics<'_> {
        topics::Topics::new(self)
    }

    /// Searches for reply templates in what agents wrote.
    pub fn minings(&self) -> minings::Minings<'_> {
        minings::Minings::new(self)
    }

    /// Reply templates and their versions.
    pub fn templates(&self) -> templates::Templates<'_> {
        templates::Templates::new(self)
    }

    /// What templates were used for, by whom and when.
    pub fn template_uses(&self) -> template_uses::TemplateUses<'_> {
        template_uses::TemplateUses::new(self)
    }

    /// Which index templates are searched by, and what it does not know yet.
    pub fn search_index(&self) -> search_index::SearchIndex<'_> {
        search_index::SearchIndex::new(self)
    }

    /// One-time tickets for sockets.
    pub fn tickets(&self) -> tickets::Tickets<'_> {
        tickets::Tickets::new(self)
    }

    /// Open sockets and what they listen to.
    pub fn connections(&self) -> connections::Connections<'_> {
        connections::Connections::new(self)
    }

    /// Requests that must have one effect however often they arrive.
    pub fn idempotency(&self) -> idempotency::Idempotency<'_> {
        idempotency::Idempotency::new(self)
    }

    /// Files.
    pub fn objects(&self) -> objects::Objects<'_> {
        objects::Objects::new(self)
    }

    /// Messages to the functions that work in the background.
    pub fn queues(&self) -> queues::Queues<'_> {
        queues::Queues::new(self)
    }
}

/// How long one attempt at a request may take, in seconds; short enough that another fits into a function's time.
const REQUEST_SECONDS: u64 = 3;

fn timeouts(attempt_seconds: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(attempt_seconds))
        .build()
}

/// A setting that the template gives every function that needs it.
fn setting(name: &'static str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| Error::Setting(name))
}
