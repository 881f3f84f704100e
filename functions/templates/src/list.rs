//! The templates that somebody sees.

use romashka_domain::template::{Format, Shortcut, Template, Visibility};
use romashka_domain::{Permission, TeamId, TemplateId, Timestamp, UserId};
use romashka_http::{Listing, PageQuery, Problem, Refusals, Reply, Request, invalid_field};
use serde::Serialize;
use utoipa::ToSchema;

/// Pages of the table that are looked through for one page of what the caller sees.
const MOST_PAGES: usize = 5;
/// Characters of a shortcut with its `/`.
const MOST_SHORTCUT_CHARS: usize = 33;
/// Characters of a source that a list shows.
const EXCERPT_CHARS: usize = 200;

/// A template in a list: all but its source and its variables.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateSummary {
    id: TemplateId,
    /// Counts its changes, from 1.
    version: u64,
    name: String,
    /// The first 200 characters of its source.
    excerpt: String,
    format: Format,
    language: String,
    category: Vec<String>,
    tags: Vec<String>,
    visibility: Visibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<TeamId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shortcut: Option<Shortcut>,
    created_by: UserId,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

impl From<Template> for TemplateSummary {
    fn from(template: Template) -> Self {
        let Template { id, version, content, created_by, updated_at, deleted_at, .. } = template;
        Self {
            id,
            version,
            excerpt: content.source.chars().take(EXCERPT_CHARS).collect(),
            name: content.name,
            format: content.format,
            language: content.language,
            category: content.category,
            tags: content.tags,
            visibility: content.visibility,
            team: content.team,
            shortcut: content.shortcut,
            created_by,
            updated_at,
            deleted_at,
        }
    }
}

/// List the templates that the caller sees, newest first.
///
/// A page may have fewer than asked for, or none, and still not be the last: `next_cursor` says.
#[utoipa::path(
    get, path = "/v1/templates", operation_id = "templates.list", tag = "templates",
    params(
        PageQuery,
        ("deleted" = Option<bool>, Query, description = "Only deleted ones; without it, only others."),
        ("shortcut" = Option<String>, Query, description = "Only the one that agents get by this, with or without the `/`."),
    ),
    responses((status = 200, description = "A page of templates.", body = Listing<TemplateSummary>), Refusals)
)]
pub async fn list_templates(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let (size, mut cursor) = request.page()?;
    let is_deleted = request.query_flag("deleted")?;
    let of_caller =
        |template: &Template| template.is_seen_by(&caller.identity) && template.deleted_at.is_some() == is_deleted;
    if let Some(shortcut) = request.query_text("shortcut", MOST_SHORTCUT_CHARS)? {
        let wrong = |_| {
            invalid_field("shortcut", "invalid_parameter", "must be 1 to 32 of the letters `a-z`, digits, `_` and `-`")
        };
        let shortcut: Shortcut = shortcut.parse().map_err(wrong)?;
        let holder = caller.store.templates().holder(&shortcut).await?;
        let template = match holder {
            Some(id) => caller.store.templates().get(id).await?.filter(of_caller),
            None => None,
        };
        let items: Vec<TemplateSummary> = template.into_iter().map(TemplateSummary::from).collect();
        return Reply::page(romashka_store::Page { items, next: None });
    }
    let mut items = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(room) = size.less(items.len()) else { break };
        let page = caller.store.templates().list(room, cursor.as_ref()).await?;
        cursor = page.next;
        items.extend(page.items.into_iter().filter(of_caller).map(TemplateSummary::from));
        if cursor.is_none() {
            break;
        }
    }
    Reply::page(romashka_store::Page { items, next: cursor })
}
