//! Training: from rows to a model version that answers.
//!
//! ```text
//! start ─▶ (stream) operations-dispatch ─▶ prepare ─▶ work × batches ─▶ fit ─▶ a model version ─▶ deploy / roll back
//! ```
//!
//! Every step may be delivered twice, late, or after a crash of the one before; `docs/delivery.md` argues
//! why the result is the same. Each function reads the session first and does nothing that its state does not ask for.

pub mod cancel;
pub mod change_topic;
pub mod deploy;
mod embeddings;
mod exchanges;
pub mod fit;
pub mod get;
pub mod get_deployment;
pub mod get_model;
pub mod get_report;
pub mod list;
pub mod list_models;
pub mod list_topics;
mod notes;
pub mod prepare;
mod report;
pub mod retry;
pub mod roll_back;
pub mod start;
mod topics;
pub mod work;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    start::start_session,
    get::get_session,
    list::list_sessions,
    cancel::cancel_session,
    retry::retry_session,
    list_models::list_models,
    get_model::get_model,
    get_report::get_report,
    deploy::deploy_model,
    get_deployment::get_deployment,
    roll_back::roll_back,
    list_topics::list_topics,
    change_topic::change_topic
))]
pub struct Api;
