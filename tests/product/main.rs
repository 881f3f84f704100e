//! What a tenant meets, on a real local cloud with IAM on. Every test works in tenants of its own.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail on the spot")]

mod faults;
mod feedback;
mod files;
mod idempotency;
mod identity;
mod learning;
mod matters;
mod models;
mod operator;
mod realtime;
mod roles;
mod sample;
mod template_analytics;
mod template_draft;
mod template_files;
mod template_minings;
mod template_review;
mod template_search;
mod templates;
mod tenancy;
mod topics;
mod training;
mod unlabelled;
