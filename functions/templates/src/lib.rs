//! Reply templates: written, kept with every version, and made into text.
//!
//! ```text
//! create ─▶ update ─▶ … ─▶ revert      every change is a version, an audit record and the template, in one transaction
//!    └────▶ delete ─▶ restore
//! process, process_many                 a template and a context become text, within bounds
//! reindex ─▶ search, suggest            what changed is taken into an index; templates are found by words and by meaning
//! record_use ─▶ reindex                 what a template is used for, it is suggested for
//! starters ─▶ install, import, export   templates that come with the product, from files, and into files
//! record_use ─▶ record_outcome ─▶ analytics   what became of a use, counted by day
//! minings                               templates proposed from what agents wrote
//! draft                                 a template from what it is for and a few examples
//! review ─▶ apply_review                how a template could be written better, and a version in which it is
//! validate                              what is wrong with a text before it is kept
//! ```

pub mod analytics;
pub mod apply_review;
mod bring_in;
mod content;
mod conversation;
pub mod create;
pub mod delete;
pub mod diff;
pub mod draft;
pub mod duplicate;
pub mod export;
pub mod get;
pub mod import;
mod index;
pub mod install;
mod intents;
mod interchange;
mod known;
pub mod list;
mod markup;
pub mod minings;
pub mod process;
pub mod process_many;
pub mod record_outcome;
pub mod record_use;
pub mod reindex;
mod rendering;
pub mod restore;
pub mod revert;
pub mod review;
pub mod search;
mod seen;
mod slots;
pub mod starters;
pub mod suggest;
pub mod update;
pub mod validate;
pub mod versions;

/// The operations of this context, for the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    create::create_template,
    get::get_template,
    list::list_templates,
    search::search,
    suggest::suggest,
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
    record_use::record_use,
    record_outcome::record_outcome,
    analytics::analytics,
    analytics::rank,
    starters::list_starters,
    install::install_starters,
    import::import,
    export::export,
    draft::draft,
    review::review,
    apply_review::apply_review,
    minings::start::start_mining,
    minings::list::list_minings,
    minings::get::get_mining,
    minings::list_proposals::list_proposals,
    minings::accept::accept_proposals,
))]
pub struct Api;
