//! What a draft is made of: the examples that somebody gave, and templates that say something like the goal.

use std::collections::BTreeMap;

use romashka_domain::TemplateId;
use romashka_domain::template::Format;
use romashka_http::{Caller, Problem};
use romashka_learning::search::{Purpose, Query};
use romashka_learning::{Embedding, Meaning, language};
use romashka_mining::draft::{Exemplar, Goal, MAX_DRAFT_BYTES, Text};
use serde::Serialize;
use utoipa::ToSchema;

use super::{by_closeness, closeness};
use crate::index::Entry;
use crate::known::{Known, encoder};
use crate::search::is_of_language;

/// Templates that are looked at.
const MAX_TEMPLATES: usize = 10;
/// Cosine from which a template says something like the goal.
const LIKE: f32 = 0.45;
/// Share of the goal's words from which it does where nothing was read by an encoder.
const SAME_WORDS: f32 = 0.5;

/// What a draft was made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftExample {
    /// What sentences name it by: `example-1` for the first that was given, or the template's id.
    key: String,
    /// The template, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    template_id: Option<TemplateId>,
    /// The template's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// How near it is to the goal, 0 to 1.
    closeness: f64,
}

/// Exemplars, the nearest first, and what is shown of each.
#[derive(Debug)]
pub struct Gathered {
    pub exemplars: Vec<Exemplar>,
    pub shown: Vec<DraftExample>,
}

impl Gathered {
    /// The language of the nearest whose language is known.
    pub fn language(&self) -> Option<String> {
        self.exemplars.iter().find_map(|exemplar| exemplar.language.clone())
    }
}

/// Gathers what a draft is made of.
pub async fn gather(caller: &Caller, goal: &Goal, given: Vec<String>) -> Result<Gathered, Problem> {
    let mut texts = vec![goal.text.as_str()];
    texts.extend(given.iter().map(String::as_str));
    let mut meanings = encoder()?.map(|encoder| Meaning::of(encoder, &texts)).unwrap_or_default().into_iter();
    let meaning = meanings.next().map(|meaning| meaning.sentence);
    let near = |other: Option<Meaning>| match (&meaning, other) {
        (Some(goal), Some(other)) => goal.cosine(&other.sentence),
        _ => 0.0,
    };
    let mut all: Vec<(Exemplar, DraftExample)> = Vec::new();
    for (number, text) in (1..).zip(given) {
        let closeness = closeness(near(meanings.next()), true);
        let key = format!("example-{number}");
        let language = language::detect(&text).map(|detection| detection.language.code().to_owned());
        let exemplar = Exemplar { id: key.clone(), text: Text::Reply(text), language, closeness };
        all.push((exemplar, DraftExample { key, template_id: None, name: None, closeness }));
    }
    let mut left = MAX_DRAFT_BYTES.saturating_sub(all.iter().map(|(exemplar, _)| bytes(exemplar)).sum());
    for (template, closeness) in templates_like(caller, goal, meaning.as_ref()).await? {
        let (id, content) = (template.id, template.content);
        if content.source.len() > left {
            continue;
        }
        left -= content.source.len();
        let shown = DraftExample { key: id.to_string(), template_id: Some(id), name: Some(content.name), closeness };
        let text = Text::Template(content.source);
        all.push((Exemplar { id: id.to_string(), text, language: Some(content.language), closeness }, shown));
    }
    let (exemplars, shown) = by_closeness(all);
    Ok(Gathered { exemplars, shown })
}

fn bytes(exemplar: &Exemplar) -> usize {
    match &exemplar.text {
        Text::Reply(text) | Text::Template(text) => text.len(),
    }
}

/// Templates that the caller sees and that say something like the goal, with how near they are.
async fn templates_like(
    caller: &Caller,
    goal: &Goal,
    meaning: Option<&Embedding>,
) -> Result<Vec<(romashka_domain::template::Template, f64)>, Problem> {
    let known = Known::of(&caller.store).await?;
    let meaning = meaning.filter(|_| encoder().ok().flatten().is_some_and(|one| known.encoder() == Some(one.id())));
    let is_wanted = |entry: &Entry| {
        entry.is_seen_by(&caller.identity)
            && entry.format == Format::Text
            && goal.language.as_ref().is_none_or(|language| is_of_language(entry, language))
    };
    let hits = known.find(&Query::written([goal.text.as_str()]), meaning, Purpose::Suggest, MAX_TEMPLATES, is_wanted);
    let near: BTreeMap<TemplateId, f32> = hits
        .into_iter()
        .filter_map(|(hit, entry)| {
            let cosine = match meaning {
                Some(meaning) => known.resemblance(&hit, meaning).0.into_iter().fold(0.0, f32::max),
                None => 0.0,
            };
            let same_words = if meaning.is_none() && hit.coverage >= SAME_WORDS { hit.coverage } else { 0.0 };
            (cosine >= LIKE || same_words > 0.0).then_some((entry.id, cosine.max(same_words)))
        })
        .collect();
    let ids: Vec<TemplateId> = near.keys().copied().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // As they are now: the index may know an earlier version, and whoever may see it may have changed.
    let templates = caller.store.templates().get_many(&ids).await?;
    let seen = templates
        .into_iter()
        .filter(|template| template.deleted_at.is_none() && template.is_seen_by(&caller.identity))
        .map(|template| {
            let cosine = near.get(&template.id).copied().unwrap_or_default();
            (template, closeness(cosine, false))
        });
    let mut seen: Vec<_> = seen.collect();
    seen.sort_by(|(one, near), (other, far)| far.total_cmp(near).then_with(|| one.id.cmp(&other.id)));
    Ok(seen)
}
