//! Finds templates by what somebody types.

use std::collections::BTreeMap;

use romashka_domain::template::{Format, Shortcut, Visibility};
use romashka_domain::{Permission, TeamId, TemplateId, Timestamp};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use romashka_learning::search::highlight::{Fragment, Highlighter};
use romashka_learning::search::{Purpose, Query};
use romashka_learning::{Embedding, Meaning};
use serde::Serialize;
use utoipa::ToSchema;

use crate::index::Entry;
use crate::known::{Known, encoder};

/// Characters that may be typed.
const MAX_QUERY_CHARS: usize = 500;
/// Templates that are shown where nothing else is asked for, and at most.
const LIMIT: (u64, u64) = (20, 50);
/// Characters of a text that are shown.
const EXCERPT_CHARS: usize = 200;

/// A template as a list shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Shown {
    id: TemplateId,
    /// Counts its changes, from 1.
    version: u64,
    name: String,
    format: Format,
    language: String,
    category: Vec<String>,
    tags: Vec<String>,
    visibility: Visibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<TeamId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shortcut: Option<Shortcut>,
    updated_at: Timestamp,
}

impl From<&Entry> for Shown {
    fn from(entry: &Entry) -> Self {
        let Entry { id, version, name, format, language, category, tags, visibility, team, shortcut, .. } =
            entry.clone();
        let updated_at = entry.updated_at;
        Self { id, version, name, format, language, category, tags, visibility, team, shortcut, updated_at }
    }
}

/// A template that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundTemplate {
    #[serde(flatten)]
    template: Shown,
    /// Its name, in pieces.
    name_highlight: Vec<Fragment>,
    /// About 200 characters of what it says, in pieces.
    excerpt_highlight: Vec<Fragment>,
    /// Ranks what was found in one search, the greatest first; 0 where nothing was typed.
    score: f32,
    /// When the caller used it last, within 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundTemplates {
    /// The best first.
    items: Vec<FoundTemplate>,
    /// How many templates of the tenant were looked through.
    searched: u64,
}

/// Find templates by words and by meaning, among those that the caller sees.
///
/// Words are found in spite of inflection, missing accents and misspellings, and the last one may be unfinished. Where nothing is
/// typed, what the caller used lately comes first, and then what was changed last. A change is found within a second.
#[utoipa::path(
    get, path = "/v1/templates/search", operation_id = "templates.search", tag = "templates",
    params(
        ("q" = Option<String>, Query, description = "What is looked for, up to 500 characters."),
        ("category" = Option<String>, Query, description = "Only in this category or one inside it; names from the outermost on, with `/` between them."),
        ("tag" = Option<String>, Query, description = "Only with this tag."),
        ("language" = Option<String>, Query, description = "Only in this language; `en` includes `en-GB`."),
        ("format" = Option<Format>, Query, description = "Only for this."),
        ("visibility" = Option<Visibility>, Query, description = "Only what these see."),
        ("limit" = Option<u8>, Query, description = "How many, 1 to 50; 20 where it is left out.", minimum = 1, maximum = 50),
    ),
    responses((status = 200, description = "What was found.", body = FoundTemplates), Refusals)
)]
pub async fn search(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let typed = request.query_text("q", MAX_QUERY_CHARS)?.unwrap_or_default();
    let filter = Filter::of(&request)?;
    let limit = limit(&request)?;
    let known = Known::of(&caller.store).await?;
    let is_wanted = |entry: &Entry| entry.is_seen_by(&caller.identity) && filter.lets_through(entry);
    let query = Query::typed(typed);
    let highlighter = &mut Highlighter::new(&query);
    let mut items: Vec<FoundTemplate> = if typed.is_empty() {
        let recent = caller.store.template_uses().recent(&caller.identity.user).await?;
        let used: BTreeMap<TemplateId, Timestamp> =
            recent.iter().map(|recent| (recent.template_id, recent.at)).collect();
        let mut entries: Vec<&Entry> =
            known.seen_by(&caller.identity).filter(|entry| filter.lets_through(entry)).collect();
        let order = |entry: &Entry| std::cmp::Reverse((used.get(&entry.id).copied(), entry.updated_at, entry.id));
        entries.sort_by_key(|entry| order(entry));
        entries
            .into_iter()
            .take(limit)
            .map(|entry| found(entry, highlighter, 0.0, used.get(&entry.id).copied()))
            .collect()
    } else {
        let meaning = meaning_of(&known, typed)?;
        let hits = known.find(&query, meaning.as_ref(), Purpose::Search, limit, is_wanted);
        hits.into_iter().map(|(hit, entry)| found(entry, highlighter, hit.score, None)).collect()
    };
    let hidden = known.hidden(&caller.store, &caller.identity, items.iter().map(|item| item.template.id)).await?;
    items.retain(|item| !hidden.contains(&item.template.id));
    Reply::ok(&FoundTemplates { items, searched: known.len() as u64 })
}

/// What a text means to the encoder that read the index.
pub fn meaning_of(known: &Known, text: &str) -> Result<Option<Embedding>, Problem> {
    let encoder = encoder()?.filter(|encoder| known.encoder() == Some(encoder.id()));
    Ok(encoder.and_then(|encoder| Meaning::of(encoder, &[text]).pop()).map(|meaning| meaning.sentence))
}

fn found<'a>(
    entry: &'a Entry,
    highlighter: &mut Highlighter<'a>,
    score: f32,
    used_at: Option<Timestamp>,
) -> FoundTemplate {
    FoundTemplate {
        template: Shown::from(entry),
        name_highlight: highlighter.highlight(&entry.name, &entry.language, EXCERPT_CHARS),
        excerpt_highlight: highlighter.highlight(&entry.text, &entry.language, EXCERPT_CHARS),
        score,
        used_at,
    }
}

fn limit(request: &Request) -> Result<usize, Problem> {
    let (usual, most) = LIMIT;
    let limit = request.query_number("limit")?.unwrap_or(usual);
    if !(1..=most).contains(&limit) {
        return Err(invalid_field("limit", "out_of_range", format!("must be a whole number from 1 to {most}")));
    }
    Ok(limit as usize)
}

/// Which templates are wanted.
struct Filter<'request> {
    category: Option<&'request str>,
    tag: Option<&'request str>,
    language: Option<&'request str>,
    format: Option<Format>,
    visibility: Option<Visibility>,
}

impl<'request> Filter<'request> {
    fn of(request: &'request Request) -> Result<Self, Problem> {
        let text = |name| Ok::<_, Problem>(request.query_text(name, MAX_QUERY_CHARS)?.map(str::trim));
        Ok(Self {
            category: text("category")?,
            tag: text("tag")?,
            language: text("language")?,
            format: request.query_choice("format", "`text` or `html`")?,
            visibility: request.query_choice("visibility", "`private`, `team` or `everyone`")?,
        })
    }

    fn lets_through(&self, entry: &Entry) -> bool {
        let is_within = |category: &str| {
            let path = entry.category.join("/");
            path.strip_prefix(category).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.category.is_none_or(is_within)
            && self.tag.is_none_or(|tag| entry.tags.iter().any(|of_entry| of_entry == tag))
            && self.language.is_none_or(|language| is_of_language(entry, language))
            && self.format.is_none_or(|format| entry.format == format)
            && self.visibility.is_none_or(|visibility| entry.visibility == visibility)
    }
}

/// Whether a template is in a language, or in a variety of it.
pub fn is_of_language(entry: &Entry, language: &str) -> bool {
    let (of_entry, language) = (entry.language.to_ascii_lowercase(), language.to_ascii_lowercase());
    of_entry.strip_prefix(&language).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
