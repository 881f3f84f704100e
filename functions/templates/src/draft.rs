//! Drafts a template from what it is for and a few examples.
//!
//! A language model writes where an operator configured one; where none is, or it fails, the draft is merged from the nearest
//! examples, which invents nothing. Whoever writes, nothing is kept: a person makes a template of the draft.

mod examples;
mod language_model;

use romashka_domain::Permission;
use romashka_domain::template::{MAX_NAME_CHARS, Variable};
use romashka_http::{Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_ingest::redaction::by_default;
use romashka_language_model::LanguageModel;
use romashka_learning::Meaning;
use romashka_liquid::Locale;
use romashka_mining::draft::{
    DraftError, Exemplar, Goal, Length, MAX_DRAFT_BYTES, MAX_GOAL_BYTES, Material, Role, Warning,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::examples::{DraftExample, Gathered, gather};
use self::language_model::{Written, configured, write};
use crate::known::encoder;
use crate::slots::variable_of;

/// Examples in one request, and characters of one.
const MAX_EXAMPLES: usize = 20;
const MAX_EXAMPLE_CHARS: usize = 4_000;

/// What a template is to be for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What the reply is for, such as "tell the customer that the refund was issued and takes five days"; up to 2,000 bytes.
    goal: String,
    /// Replies that are like what is wanted, up to 20 of 4,000 characters and 64 KiB in all. What is personal in them, and what
    /// else has the shape of a value, becomes variables before anybody writes; a name in the middle of a sentence may stay. Templates
    /// that the caller sees and that say something like it are taken as examples besides.
    #[serde(default)]
    #[schema(max_items = 20)]
    examples: Vec<String>,
    /// The language of the draft, as a language tag; that of the nearest examples where it is left out.
    #[serde(default)]
    language: Option<String>,
    /// How long it may be: 50, 120 or 300 words. As long as the examples are where it is left out.
    #[serde(default)]
    length: Option<Words>,
    /// Who writes; the language model where one is configured, where it is left out.
    #[serde(default)]
    writer: Option<Writer>,
}

/// How long a draft may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// 50 words, as in a chat.
    Short,
    /// 120 words.
    Medium,
    /// 300 words.
    Long,
}

impl From<Words> for Length {
    fn from(words: Words) -> Self {
        match words {
            Words::Short => Self::Short,
            Words::Medium => Self::Medium,
            Words::Long => Self::Long,
        }
    }
}

/// Who writes a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// Nobody: it is merged from examples.
    Examples,
    /// The language model that the operator configured.
    LanguageModel,
}

/// A draft. Nothing is kept of it: `POST /v1/templates` makes a template of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Drafted {
    /// A name for it.
    name: String,
    /// The text in Liquid.
    source: String,
    /// Its variables.
    variables: Vec<Variable>,
    /// Its language, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Who wrote it.
    writer: Writer,
    /// Where it is merged from examples: its sentences, each with the examples that say it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sentences: Vec<DraftedSentence>,
    /// What it was drafted from, the nearest first.
    examples: Vec<DraftExample>,
    /// What to look at before it is used.
    notes: Vec<DraftNote>,
}

/// A sentence of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftedSentence {
    /// What it does in the reply.
    role: Role,
    /// The sentence in Liquid.
    source: String,
    /// The keys of the examples that say it, the nearest first.
    examples: Vec<String>,
    /// The share of the examples that say it, each counted as it is near: 0 to 1.
    support: f64,
}

/// Something to look at before a draft is used.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DraftNote {
    /// For programs.
    code: &'static str,
    /// In words.
    detail: String,
}

impl DraftNote {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl From<&Warning> for DraftNote {
    fn from(warning: &Warning) -> Self {
        let code = match warning {
            Warning::NotCovered { .. } => "not_covered",
            Warning::FewExamples { .. } => "few_examples",
            Warning::OtherLanguage { .. } => "other_language",
            Warning::TagsLeftOut { .. } => "tags_left_out",
            Warning::Unread { .. } => "not_read",
        };
        Self::new(code, warning.to_string())
    }
}

/// Draft a template from what it is for and a few examples.
///
/// With examples alone the draft is made of their sentences, and tells of each where it is from; a language model that the operator
/// configured writes more freely. A model that fails is made up for by the examples, and `notes` say so.
#[utoipa::path(
    post, path = "/v1/templates/draft", operation_id = "templates.draft", tag = "templates",
    request_body = Wanted,
    responses((status = 200, description = "The draft.", body = Drafted), Refusals)
)]
pub async fn draft(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let wanted: Wanted = request.json()?;
    let model = model_of(&wanted).await?;
    let (goal, given) = checked(&wanted)?;
    let gathered = gather(&caller, &goal, given).await?;
    let mut notes = Vec::new();
    if let Some(model) = model {
        match write(&model, &goal, &gathered.exemplars).await {
            Ok(written) => return Reply::ok(&of_model(written, &goal, gathered, notes)),
            Err(why) if wanted.writer == Some(Writer::LanguageModel) => return Err(why.problem()),
            Err(why) => {
                // What went wrong is the operator's to know: it may name their settings, and never what was asked.
                tracing::warn!(cause = %why, "the language model did not draft");
                let detail = "the language model did not write this; it is merged from the examples";
                notes.push(DraftNote::new("language_model_failed", detail));
            }
        }
    }
    Reply::ok(&of_examples(&goal, gathered, notes)?)
}

/// The model that is to write, if one is.
async fn model_of(wanted: &Wanted) -> Result<Option<LanguageModel>, Problem> {
    if wanted.writer == Some(Writer::Examples) {
        return Ok(None);
    }
    let model = configured().await;
    if model.is_none() && wanted.writer == Some(Writer::LanguageModel) {
        let detail = "no language model is configured; leave `writer` out to draft from examples";
        return Err(conflict("no_language_model", detail));
    }
    Ok(model)
}

/// The goal, and the examples that came with it, without what is personal in them.
fn checked(wanted: &Wanted) -> Result<(Goal, Vec<String>), Problem> {
    if wanted.goal.trim().is_empty() {
        return Err(invalid_field("/goal", "empty_text", "must say in a sentence what the reply is for"));
    }
    if wanted.goal.len() > MAX_GOAL_BYTES {
        let detail = format!("has more than the {MAX_GOAL_BYTES} bytes allowed; a sentence will do");
        return Err(invalid_field("/goal", "too_long", detail));
    }
    if wanted.examples.len() > MAX_EXAMPLES {
        let detail = format!("has more than the {MAX_EXAMPLES} allowed; send those that are most like it");
        return Err(invalid_field("/examples", "too_many", detail));
    }
    for (at, example) in wanted.examples.iter().enumerate() {
        if example.chars().count() > MAX_EXAMPLE_CHARS {
            let detail = format!("has more than the {MAX_EXAMPLE_CHARS} characters allowed");
            return Err(invalid_field(format!("/examples/{at}"), "too_long", detail));
        }
    }
    if wanted.language.as_ref().is_some_and(|language| language.parse::<Locale>().is_err()) {
        return Err(invalid_field("/language", "invalid_language", "must be a language tag, such as `en` or `de-AT`"));
    }
    // What is hidden may be longer than what was there.
    let text = by_default(wanted.goal.clone());
    if text.len() > MAX_GOAL_BYTES {
        let detail = format!("has more than the {MAX_GOAL_BYTES} bytes allowed once what is personal is hidden");
        return Err(invalid_field("/goal", "too_long", detail));
    }
    let examples: Vec<String> = wanted.examples.iter().cloned().map(by_default).collect();
    if examples.iter().map(String::len).sum::<usize>() > MAX_DRAFT_BYTES {
        let detail =
            format!("has more than the {MAX_DRAFT_BYTES} bytes allowed in all; send those that are most like it");
        return Err(invalid_field("/examples", "too_long", detail));
    }
    let goal = Goal { text, language: wanted.language.clone(), length: wanted.length.map(Length::from) };
    Ok((goal, examples))
}

fn of_model(written: Written, goal: &Goal, gathered: Gathered, notes: Vec<DraftNote>) -> Drafted {
    Drafted {
        name: written.name,
        source: written.source,
        variables: written.variables,
        language: goal.language.clone().or_else(|| gathered.language()),
        writer: Writer::LanguageModel,
        sentences: Vec::new(),
        examples: gathered.shown,
        notes,
    }
}

fn of_examples(goal: &Goal, gathered: Gathered, mut notes: Vec<DraftNote>) -> Result<Drafted, Problem> {
    let material = Material::read(goal, &gathered.exemplars).map_err(|error| unfit(&error))?;
    let embeddings = encoder()?.map(|encoder| {
        let meanings = Meaning::of(encoder, &material.texts());
        meanings.iter().map(|meaning| meaning.sentence.to_vector().to_vec()).collect::<Vec<_>>()
    });
    let draft = material.draft(embeddings.as_deref());
    notes.extend(draft.warnings.iter().map(DraftNote::from));
    let sentences = draft.sentences.into_iter().map(|sentence| DraftedSentence {
        role: sentence.role,
        source: sentence.source,
        examples: sentence.exemplars,
        support: sentence.support,
    });
    Ok(Drafted {
        name: draft.name.chars().take(MAX_NAME_CHARS).collect::<String>().trim().to_owned(),
        source: draft.source,
        variables: draft.variables.into_iter().filter_map(variable_of).collect(),
        language: draft.language,
        writer: Writer::Examples,
        sentences: sentences.collect(),
        examples: gathered.shown,
        notes,
    })
}

fn unfit(error: &DraftError) -> Problem {
    match error {
        DraftError::NoGoal | DraftError::GoalTooLong { .. } => {
            invalid_field("/goal", "invalid_goal", error.to_string())
        }
        _ => invalid_field("/examples", "no_examples", error.to_string()),
    }
}

/// How near an exemplar is to a goal, as the merging takes it: an example that somebody chose is near in any case.
fn closeness(cosine: f32, is_given: bool) -> f64 {
    let cosine = f64::from(cosine.clamp(0.0, 1.0));
    if is_given { 0.5 + cosine / 2.0 } else { cosine }
}

/// An exemplar and what is shown of it, nearest first.
fn by_closeness(mut all: Vec<(Exemplar, DraftExample)>) -> (Vec<Exemplar>, Vec<DraftExample>) {
    all.sort_by(|(one, _), (other, _)| other.closeness.total_cmp(&one.closeness).then_with(|| one.id.cmp(&other.id)));
    all.into_iter().unzip()
}
