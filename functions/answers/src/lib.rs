//! The deployed model at work, and what people say of its answers.
//!
//! ```text
//! ask ─▶ give_feedback ─▶ corrections wait ─▶ (enough, or once a day) gather ─▶ an upload ─▶ a training session
//!                                         └─▶ upload_corrections ─▶ an upload
//! ```

mod answering;
pub mod ask;
mod composing;
mod gather;
pub mod get_retraining;
pub mod give_feedback;
pub mod list_feedback;
mod models;
mod mood;
pub mod retrain;
pub mod set_retraining;
mod topics;
pub mod upload_corrections;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    ask::ask,
    give_feedback::give_feedback,
    list_feedback::list_feedback,
    upload_corrections::upload_corrections,
    get_retraining::get_retraining,
    set_retraining::set_retraining
))]
pub struct Api;
