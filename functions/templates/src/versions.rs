//! What a template was before.

use romashka_domain::template::{Change, Template, TemplateVersion};
use romashka_domain::{Permission, Timestamp, UserId};
use romashka_http::{Caller, Listing, PageQuery, Problem, Refusals, Reply, Request, not_found};
use serde::Serialize;
use utoipa::ToSchema;

use crate::seen::seen;

/// A version in a list: all but what it held.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionSummary {
    /// Which version, from 1.
    version: u64,
    /// What made it.
    change: Change,
    /// The version that it was set back to, or the template that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// Why, in the words of who changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who changed it.
    by: UserId,
    /// When.
    at: Timestamp,
}

impl From<TemplateVersion> for VersionSummary {
    fn from(version: TemplateVersion) -> Self {
        let TemplateVersion { version, change, of, reason, by, at, .. } = version;
        Self { version, change, of, reason, by, at }
    }
}

/// List the versions of a template, newest first.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}/versions", operation_id = "templates.versions.list", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), PageQuery),
    responses((status = 200, description = "A page of versions.", body = Listing<VersionSummary>), Refusals)
)]
pub async fn list_versions(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let (size, cursor) = request.page()?;
    let template = seen(&request, &caller).await?;
    let page = caller.store.templates().versions(template.id, size, cursor.as_ref()).await?;
    let items = page.items.into_iter().map(VersionSummary::from).collect();
    Reply::page(romashka_store::Page { items, next: page.next })
}

/// Get a version of a template.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}/versions/{version}", operation_id = "templates.versions.get", tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("version" = u64, Path, description = "The version, from 1."),
    ),
    responses((status = 200, description = "The version.", body = TemplateVersion), Refusals)
)]
pub async fn get_version(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = seen(&request, &caller).await?;
    let number = request.path_id("version", "template version")?;
    Reply::ok(&version(&caller, &template, number).await?)
}

/// A version of a template that the caller sees.
pub async fn version(caller: &Caller, template: &Template, version: u64) -> Result<TemplateVersion, Problem> {
    let version = caller.store.templates().version(template.id, version).await?;
    version.ok_or_else(|| not_found("template version"))
}
