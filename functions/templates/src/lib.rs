//! Reply templates: written, kept with every version, and made into text.
//!
//! ```text
//! create ─▶ update ─▶ … ─▶ revert      every change is a version, an audit record and the template, in one transaction
//!    └────▶ delete ─▶ restore
//! process, process_many                 a template and a context become text, within bounds
//! validate                              what is wrong with a text before it is kept
//! ```

mod content;
pub mod create;
pub mod delete;
pub mod diff;
pub mod duplicate;
pub mod get;
pub mod list;
pub mod process;
pub mod process_many;
mod rendering;
pub mod restore;
pub mod revert;
mod seen;
pub mod update;
pub mod validate;
pub mod versions;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    create::create_template,
    get::get_template,
    list::list_templates,
    update::update_template,
    delete::delete_template,
    restore::restore_template,
    duplicate::duplicate_template,
    versions::list_versions,
    versions::get_version,
    diff::diff_versions,
    revert::revert_template,
    process::process,
    process_many::process_many,
    validate::validate,
))]
pub struct Api;
