//! Suggests templates for a conversation.

use romashka_domain::Permission;
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use romashka_learning::Embedding;
use romashka_learning::language::{Confidence, detect};
use romashka_learning::search::highlight::Highlighter;
use romashka_learning::search::{Hit, Purpose, Query, intent_lift};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::conversation::{Asked, ConversationMessage};
use crate::index::Entry;
use crate::intents::{Likely, model_in_force};
use crate::known::{Known, encoder};
use crate::search::{Shown, is_of_language};

/// Templates that are suggested where nothing else is asked for, and at most.
const LIMIT: (u8, u8) = (3, 10);
/// Words that are named as a reason.
const MAX_WORDS: usize = 5;
/// Cosine from which texts are said to be alike.
const ALIKE: f32 = 0.5;
/// Probability from which an intent is said to be a reason.
const LIKELY: f32 = 0.1;
/// What it is worth that a template is in the customer's language, where that is certain: enough to decide between two
/// translations, not to bring up what says something else.
const SAME_LANGUAGE: f32 = 0.1;

/// A conversation so far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Its messages in order, at most the last 50; what the customer wrote last counts most. What is personal in them is
    /// hidden before anybody looks, and nothing is kept.
    #[schema(max_items = 50)]
    messages: Vec<ConversationMessage>,
    /// Only templates in this language, as a language tag.
    #[serde(default)]
    language: Option<String>,
    /// How many, 1 to 10; 3 where it is left out.
    #[serde(default = "usual")]
    #[schema(minimum = 1, maximum = 10)]
    limit: u8,
}

fn usual() -> u8 {
    LIMIT.0
}

/// Why a template is suggested.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Its name says something like it.
    Name {
        /// How much, at most 1.
        cosine: f32,
    },
    /// Its text says something like it.
    Text {
        /// How much, at most 1.
        cosine: f32,
    },
    /// It was used for messages like it.
    UsedBefore {
        /// For how many.
        messages: u32,
        /// How much the nearest of them is like it, at most 1.
        cosine: f32,
        /// What that adds to the score, at most 0.5.
        lift: f32,
    },
    /// It has the same words.
    Words {
        /// Some of them, as they stand in the template.
        words: Vec<String>,
    },
    /// The deployed model takes the message for one of an intent that it answers.
    Intent {
        /// The intent.
        intent: String,
        /// Its calibrated probability, 0 to 1.
        confidence: f32,
        /// What that adds to the score: the square root of it.
        lift: f32,
    },
    /// It is in the language that the customer writes.
    Language,
}

/// A template that may answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestion {
    #[serde(flatten)]
    template: Shown,
    /// Ranks the suggestions for one conversation, the greatest first.
    score: f32,
    /// What speaks for it: an intent of the deployed model, then what is most alike.
    reasons: Vec<Reason>,
}

/// What may answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestions {
    /// The best first.
    items: Vec<Suggestion>,
}

/// Suggest the templates that go on with a conversation best, among those that the caller sees.
///
/// What a template was used for before (`POST /v1/templates/{template_id}/uses`) counts in its favour for messages like it, but by
/// no more than half of what it can score by what it says. Where a model is deployed, the templates of the intents that it takes the
/// message for count for more: by the square root of the intent's probability.
#[utoipa::path(
    post, path = "/v1/templates/suggest", operation_id = "templates.suggest", tag = "templates",
    request_body = Conversation,
    responses((status = 200, description = "The suggestions.", body = Suggestions), Refusals)
)]
pub async fn suggest(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let Conversation { messages, language, limit } = request.json()?;
    if !(1..=LIMIT.1).contains(&limit) {
        return Err(invalid_field("/limit", "out_of_range", format!("must be a whole number from 1 to {}", LIMIT.1)));
    }
    let asked = Asked::of(messages)?;
    let (known, model) = tokio::try_join!(Known::of(&caller.store), model_in_force(&caller.store))?;
    let intents = Likely::of(model.as_deref(), asked.last())?;
    let reader = encoder()?.filter(|encoder| known.encoder() == Some(encoder.id()));
    let meaning = reader.map(|encoder| asked.meaning(encoder));
    let words = asked.words();
    let is_wanted = |entry: &Entry| {
        entry.is_seen_by(&caller.identity) && language.as_ref().is_none_or(|language| is_of_language(entry, language))
    };
    let limit = usize::from(limit);
    // More than asked for, so that one in the customer's language can come up from below.
    let lifts = |entry: &Entry| {
        is_wanted(entry).then(|| intents.answered_by(entry).map_or(0.0, |(_, likely)| intent_lift(likely)))
    };
    let mut hits = known.find_lifted(&words, meaning.as_ref(), Purpose::Suggest, limit * 4, lifts);
    let hidden = known.hidden(&caller.store, &caller.identity, hits.iter().map(|(_, entry)| entry.id)).await?;
    hits.retain(|(_, entry)| !hidden.contains(&entry.id));
    let spoken = detect(asked.last()).filter(|detection| detection.confidence == Confidence::High);
    let spoken = spoken.as_ref().map(|detection| detection.language.code());
    let mut suggestions: Vec<Suggestion> = hits
        .into_iter()
        .map(|(hit, entry)| {
            let is_spoken = spoken.is_some_and(|language| is_of_language(entry, language));
            let mut reasons = reasons(&known, &hit, entry, &words, meaning.as_ref());
            if let Some((intent, confidence)) = intents.answered_by(entry).filter(|(_, likely)| *likely >= LIKELY) {
                reasons
                    .insert(0, Reason::Intent { intent: intent.to_owned(), confidence, lift: intent_lift(confidence) });
            }
            reasons.extend(is_spoken.then_some(Reason::Language));
            let score = hit.score + if is_spoken { SAME_LANGUAGE } else { 0.0 };
            Suggestion { template: Shown::from(entry), score, reasons }
        })
        .collect();
    suggestions.sort_by(|one, other| other.score.total_cmp(&one.score));
    suggestions.truncate(limit);
    Reply::ok(&Suggestions { items: suggestions })
}

fn reasons(known: &Known, hit: &Hit, entry: &Entry, words: &Query, meaning: Option<&Embedding>) -> Vec<Reason> {
    let mut alike = Vec::new();
    if let Some(meaning) = meaning {
        let (own, picks) = known.resemblance(hit, meaning);
        alike.extend(own.first().map(|cosine| (*cosine, Reason::Name { cosine: *cosine })));
        alike.extend(own.get(1).map(|cosine| (*cosine, Reason::Text { cosine: *cosine })));
        let messages = picks.iter().filter(|cosine| **cosine >= ALIKE).count() as u32;
        let nearest = picks.into_iter().fold(0.0, f32::max);
        alike.push((nearest, Reason::UsedBefore { messages, cosine: nearest, lift: hit.lift }));
    }
    alike.retain(|(cosine, _)| *cosine >= ALIKE);
    alike.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut reasons: Vec<Reason> = alike.into_iter().map(|(_, reason)| reason).collect();
    if hit.coverage > 0.0 {
        let said = format!("{} {}", entry.name, entry.text);
        let mut same: Vec<String> = Vec::new();
        for fragment in Highlighter::new(words).highlight(&said, &entry.language, said.len()) {
            // What is short is in every text.
            let is_telling = fragment.is_match && fragment.text.chars().count() > 3;
            if is_telling && same.len() < MAX_WORDS && !same.contains(&fragment.text) {
                same.push(fragment.text);
            }
        }
        reasons.extend((!same.is_empty()).then_some(Reason::Words { words: same }));
    }
    reasons
}
