//! Templates that were made elsewhere: starters, and what a file holds.
//!
//! What a template is made of names it ([`TemplateId::of`]), so what comes in again finds what it made the first time, and a
//! request that died half way is simply sent again.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use romashka_domain::template::{Change, Content, Origin, Shortcut, Template, Visibility};
use romashka_domain::{Permission, TemplateId};
use romashka_http::{Caller, Problem, Request};
use serde::Serialize;
use utoipa::ToSchema;

use crate::interchange::placeholders::Translated;
use crate::interchange::{Note, NoteCode};
use crate::seen::{author, may_publish, write};

/// Templates that are written at the same time.
const AT_ONCE: usize = 8;

/// A template that comes in.
#[derive(Debug)]
pub struct Arrival {
    /// What it is made of.
    pub origin: Origin,
    /// The template that it was once exported from.
    pub id: Option<TemplateId>,
    pub content: Content,
    /// Whether who sees it is said there; where it is not, a template that is there already keeps its own.
    pub says_who_sees: bool,
    pub notes: Vec<Note>,
}

/// What is to be done where a template is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// It becomes what comes in, as a new version.
    Update,
    /// It stays as it is.
    Keep,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A template was made.
    Created,
    /// One that was there is changed.
    Updated,
    /// One that was there is as it should be, or was to be kept.
    Unchanged,
    /// Nothing was to be made of it.
    Skipped,
    /// Nothing could be made of it.
    Refused,
}

/// What became of what came in.
#[derive(Debug)]
pub struct BroughtIn {
    pub ending: Ending,
    pub template: Option<(TemplateId, u64)>,
    pub notes: Vec<Note>,
    pub problem: Option<Problem>,
}

impl BroughtIn {
    fn as_it_is(ending: Ending, template: &Template, notes: Vec<Note>) -> Self {
        Self { ending, template: Some((template.id, template.version)), notes, problem: None }
    }

    /// Nothing was to be made of it.
    pub fn skipped(notes: Vec<Note>) -> Self {
        Self { ending: Ending::Skipped, template: None, notes, problem: None }
    }

    /// Nothing could be made of it.
    pub fn refused(problem: Problem, notes: Vec<Note>) -> Self {
        Self { ending: Ending::Refused, template: None, notes, problem: Some(problem) }
    }
}

/// What became of one template that came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Arrived {
    /// What it is called where it comes from.
    key: String,
    /// Its name.
    name: String,
    /// How it ended.
    outcome: Ending,
    /// The template, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    template_id: Option<TemplateId>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Placeholders that have other names here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    translated: Vec<Translated>,
    /// What is worth knowing, such as what could not be translated.
    notes: Vec<Note>,
    /// Why nothing could be made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<WhyNot>,
}

/// Why nothing could be made of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyNot {
    /// For programs.
    code: &'static str,
    /// In words.
    detail: String,
    /// The field that it is about, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// What is known of something that comes in before it is looked at.
#[derive(Debug)]
pub struct Head {
    pub key: String,
    pub name: String,
    pub translated: Vec<Translated>,
}

impl BroughtIn {
    /// The same, as it is answered.
    pub fn told(self, request: &Request, head: Head) -> Arrived {
        let Self { ending, template, notes, problem } = self;
        let Head { key, name, translated } = head;
        Arrived {
            key,
            name,
            outcome: ending,
            template_id: template.map(|(id, _)| id),
            version: template.map(|(_, version)| version),
            translated,
            notes,
            problem: problem.map(|problem| {
                let body = problem.body(request.correlation_id().as_str());
                WhyNot { code: problem.code(), detail: body.detail, field: body.field }
            }),
        }
    }
}

/// What became of what was to be made into templates.
#[derive(Debug, Serialize, ToSchema)]
pub struct Made {
    /// How many templates were made.
    created: usize,
    /// How many had been made before; they stay as they are.
    unchanged: usize,
    /// How many had been made before and are deleted.
    skipped: usize,
    /// Of how many nothing could be made.
    refused: usize,
    /// Each of them, as they were named.
    templates: Vec<Arrived>,
}

impl From<Vec<Arrived>> for Made {
    fn from(templates: Vec<Arrived>) -> Self {
        Self {
            created: count(&templates, Ending::Created),
            unchanged: count(&templates, Ending::Unchanged),
            skipped: count(&templates, Ending::Skipped),
            refused: count(&templates, Ending::Refused),
            templates,
        }
    }
}

/// How many ended so.
pub fn count(arrived: &[Arrived], ending: Ending) -> usize {
    arrived.iter().filter(|arrived| arrived.outcome == ending).count()
}

/// How templates come in.
#[derive(Debug, Clone)]
pub struct Manner {
    pub existing: Existing,
    /// Whether nothing is written, and only told what would be.
    pub is_rehearsal: bool,
    pub reason: Option<String>,
}

/// Brings templates in; each ends by itself.
pub async fn bring_in(caller: &Caller, arrivals: Vec<Arrival>, manner: &Manner) -> Result<Vec<BroughtIn>, Problem> {
    let ids: Vec<TemplateId> = arrivals
        .iter()
        .flat_map(|arrival| arrival.id.into_iter().chain([made_of(caller, arrival)]))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let there = caller.store.templates().get_many(&ids).await?;
    let there: BTreeMap<TemplateId, Template> = there.into_iter().map(|template| (template.id, template)).collect();
    let (mut taken, mut shortcuts) = (BTreeSet::new(), BTreeSet::new());
    let each = arrivals.into_iter().map(|arrival| {
        let its_own = made_of(caller, &arrival);
        let exported =
            arrival.id.and_then(|id| there.get(&id)).filter(|template| template.is_seen_by(&caller.identity));
        let before = exported.or_else(|| there.get(&its_own)).cloned();
        let id = before.as_ref().map_or(its_own, |before| before.id);
        let is_first = taken.insert(id);
        let is_shortcut_first = arrival.content.shortcut.clone().is_none_or(|shortcut| shortcuts.insert(shortcut));
        async move {
            if !is_first {
                let note =
                    Note::new(NoteCode::NotInUse, "what comes before it in the same file has the same identifier");
                return Ok(BroughtIn::skipped(vec![note]));
            }
            bring_in_one(caller, id, before, arrival, manner, is_shortcut_first).await
        }
    });
    stream::iter(each.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
}

/// The identifier of what this is made into.
fn made_of(caller: &Caller, arrival: &Arrival) -> TemplateId {
    let audience = match (arrival.content.visibility, &arrival.content.team) {
        (Visibility::Private, _) => format!("private/{}", caller.identity.user),
        (Visibility::Team, Some(team)) => format!("team/{team}"),
        _ => "everyone".to_owned(),
    };
    TemplateId::of(&arrival.origin.of, &audience)
}

async fn bring_in_one(
    caller: &Caller,
    id: TemplateId,
    before: Option<Template>,
    arrival: Arrival,
    manner: &Manner,
    is_shortcut_first: bool,
) -> Result<BroughtIn, Problem> {
    let Arrival { origin, mut content, says_who_sees, mut notes, .. } = arrival;
    if let Some(before) = &before {
        if before.deleted_at.is_some() {
            notes.push(Note::new(NoteCode::NotInUse, "it was deleted here; restore it first"));
            return Ok(BroughtIn::as_it_is(Ending::Skipped, before, notes));
        }
        if !says_who_sees {
            Content { visibility: content.visibility, team: content.team, .. } = before.content.clone();
        }
        if content == before.content || manner.existing == Existing::Keep {
            return Ok(BroughtIn::as_it_is(Ending::Unchanged, before, notes));
        }
        if !before.is_changed_by(&caller.identity) {
            let detail = format!("it is there already, and changing it needs {}", needed());
            return Ok(BroughtIn::refused(Problem::forbidden(detail), notes));
        }
    }
    if let Err(problem) = may_publish(caller, &content) {
        return Ok(BroughtIn::refused(problem, notes));
    }
    let ending = if before.is_some() { Ending::Updated } else { Ending::Created };
    if manner.is_rehearsal {
        if let Some(shortcut) = &content.shortcut {
            let holder = caller.store.templates().holder(shortcut).await?;
            if !is_shortcut_first || holder.is_some_and(|holder| holder != id) {
                notes.push(shortcut_taken(shortcut));
                content.shortcut = None;
            }
        }
        if let Some(before) = before.as_ref().filter(|before| before.content == content) {
            return Ok(BroughtIn::as_it_is(Ending::Unchanged, before, notes));
        }
        let template = before.as_ref().map(|before| (before.id, before.version));
        return Ok(BroughtIn { ending, template, notes, problem: None });
    }
    loop {
        let author = author(caller, manner.reason.clone());
        let changed = match &before {
            None => Template::bring_in(id, content.clone(), origin.clone(), author),
            Some(before) => before.bring_in_again(content.clone(), origin.clone(), author),
        };
        match write(caller, before.as_ref(), changed).await {
            Ok(template) => return Ok(BroughtIn::as_it_is(ending, &template, notes)),
            Err(problem) if problem.code() == "shortcut_taken" => {
                notes.extend(content.shortcut.take().as_ref().map(shortcut_taken));
                if let Some(before) = before.as_ref().filter(|before| before.content == content) {
                    return Ok(BroughtIn::as_it_is(Ending::Unchanged, before, notes));
                }
            }
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => return Ok(BroughtIn::refused(problem, notes)),
        }
    }
}

fn shortcut_taken(shortcut: &Shortcut) -> Note {
    Note::new(NoteCode::ShortcutChanged, format!("another template has the shortcut {shortcut}; this one has none"))
}

fn needed() -> String {
    format!("the role {:?} or a more powerful one", Permission::PublishTemplates.least_role()).to_lowercase()
}

/// What a file calls a template, as the origin of one.
pub fn imported(layout: &str, key: &str) -> Origin {
    Origin { change: Change::Imported, of: format!("{layout}/{key}") }
}

/// A starter, as the origin of a template.
pub fn installed(language: &str, key: &str) -> Origin {
    Origin { change: Change::Installed, of: format!("starters/{language}/{key}") }
}
