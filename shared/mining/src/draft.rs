//! A draft from what a reply is for and a few examples, without a language model.
//!
//! A team that writes a template for something new has mostly written it before, in replies or in templates of its own. The
//! draft is made of their sentences, merged; it invents nothing, and says of each sentence where it is from:
//!
//! 1. the exemplars are read as sentences, each with what it does: greeting, acknowledgement, body, next step, closing;
//! 2. sentences that say the same but for values come together as in mining ([`crate::mine`]), and the values become a
//!    variable; in a sentence that one or two exemplars have, so does what is a name, an identifier, an amount or a date by
//!    its shape. Of sentences that say nearly the same ("was approved", "was denied") the draft says one, that which the next
//!    steps prefer;
//! 3. the exemplar that is most like the others, each as much as it is close to the goal, is the middle one (the medoid). How
//!    many sentences of each role there are is what exemplars have in the middle (the weighted median);
//! 4. for each role those sentences are taken that are close to the goal and that many close exemplars, the middle one first
//!    of all, have; but not what is said already, by maximal marginal relevance (Carbonell & Goldstein 1998);
//! 5. they are put in the order of the middle exemplar; what it does not have stands where it stood.
//!
//! The caller tells how close exemplars are to the goal, and gives an embedding for each of the [`Material::texts`]; where
//! it has none, sentences are compared by their words, the rare ones more (tf-idf).
//!
//! It promises that
//!
//! * **the source parses**, its variables are those that are listed, outputs of templates among the exemplars are kept, and
//!   braces that agents wrote are shown as they are;
//! * **the same exemplars give the same draft**, in whatever order they come;
//! * **time and memory are bounded** by [`MAX_DRAFT_EXEMPLARS`], [`MAX_DRAFT_BYTES`] and [`MAX_GOAL_BYTES`].
//!
//! ```
//! use romashka_mining::draft::{Exemplar, Goal, Material, Text};
//!
//! let goal = Goal { text: "say that the refund was issued".to_owned(), language: None, length: None };
//! let exemplars: Vec<Exemplar> = [("r-1", "Anna", "$12.50"), ("r-2", "Tom", "$8.00")]
//!     .into_iter()
//!     .map(|(id, name, amount)| Exemplar {
//!         id: id.to_owned(),
//!         text: Text::Reply(format!("Hi {name}, we have issued your refund of {amount} today.")),
//!         language: Some("en".to_owned()),
//!         closeness: 0.8,
//!     })
//!     .collect();
//! let draft = Material::read(&goal, &exemplars).unwrap().draft(None);
//! assert_eq!(
//!     draft.source,
//!     "Hi {{ customer.name }}, we have issued your refund of ${{ refund_amount }} today."
//! );
//! ```

mod compose;
mod nearness;
pub(crate) mod outputs;
pub(crate) mod reading;
pub(crate) mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

pub use roles::Role;

use crate::alignment::Comparable;
use crate::groups::{Form, groups};
use crate::matching::Matcher;
use crate::mining::words;
use crate::pattern::{self, MOST_COMPARED, Passage};
use crate::tokens::Token;
use crate::{MAX_REPLY_BYTES, MAX_REPLY_TOKENS, Slot};
use nearness::Nearness;
use outputs::Outputs;
pub(crate) use outputs::is_stand_in;
use reading::{Read, Sentence};

/// Exemplars of a draft.
pub const MAX_DRAFT_EXEMPLARS: usize = 50;
/// Bytes of all exemplars of a draft.
pub const MAX_DRAFT_BYTES: usize = 64 * 1024;
/// Bytes of a goal.
pub const MAX_GOAL_BYTES: usize = 2_000;
/// Sentences that a draft is chosen from: those of the closest exemplars.
pub const MAX_DRAFT_SENTENCES: usize = 1_000;
/// Exemplars below which a draft says that it has few.
pub const FEW_EXEMPLARS: usize = 3;

/// What a draft is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// What the reply is for: "tell the customer that the refund was issued and takes 5 days".
    pub text: String,
    /// The language as a BCP 47 tag; without it, that of the closest exemplars.
    pub language: Option<String>,
    /// How long it may be; without it, as long as the exemplars are in the middle.
    pub length: Option<Length>,
}

/// How long a draft may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// 50 words, as in a chat.
    Short,
    /// 120 words.
    Medium,
    /// 300 words.
    Long,
}

impl Length {
    /// Words at most.
    #[must_use]
    pub const fn words(self) -> usize {
        match self {
            Self::Short => 50,
            Self::Medium => 120,
            Self::Long => 300,
        }
    }
}

/// What an exemplar consists of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Text {
    /// What an agent wrote, redacted: braces are braces, but for the placeholders of redaction.
    Reply(String),
    /// The source of a template, in Liquid.
    Template(String),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Reply(text) | Self::Template(text) => text,
        }
    }
}

/// A reply or template that is like what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// What the draft names it by.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// Its language as a BCP 47 tag, where it is known.
    pub language: Option<String>,
    /// How close it is to the goal, 0 to 1.
    pub closeness: f64,
}

/// Why there is no draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The goal says nothing.
    #[error("the goal is empty; say in a sentence what the reply is for")]
    NoGoal,
    /// The goal is too long.
    #[error(
        "the goal has {found} bytes, more than the {MAX_GOAL_BYTES} allowed; say in a sentence what the reply is for"
    )]
    GoalTooLong {
        /// Bytes of the goal.
        found: usize,
    },
    /// There is nothing to draft from.
    #[error("there is no example to draft from; give at least one reply or template that is like what is wanted")]
    NoExemplars,
    /// There are too many exemplars.
    #[error("{found} examples exceed the {MAX_DRAFT_EXEMPLARS} that a draft is made from; take the closest ones")]
    TooManyExemplars {
        /// Exemplars that were offered.
        found: usize,
    },
    /// The exemplars are too long.
    #[error("the examples have {found} bytes, more than the {MAX_DRAFT_BYTES} that a draft is made from; take fewer")]
    TooLarge {
        /// Bytes that were offered.
        found: usize,
    },
    /// No exemplar says anything that could be used.
    #[error("no example says anything; each is empty, longer than a reply, or a template that cannot be read")]
    NothingSaid,
}

/// What to know of a draft before it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Warning {
    /// Words of the goal that the draft does not say.
    NotCovered {
        /// The words, as the goal has them.
        words: Vec<String>,
    },
    /// It is made of few exemplars.
    FewExamples {
        /// How many.
        found: usize,
    },
    /// It is in another language than the goal asks for, as no exemplar is in that.
    OtherLanguage {
        /// The language of the draft, where it is known.
        language: Option<String>,
    },
    /// Parts of templates are left out, since a tag decides whether they are said.
    TagsLeftOut {
        /// The exemplars.
        exemplars: Vec<String>,
    },
    /// Exemplars that were not used: longer than a reply, empty, or a template that does not parse.
    Unread {
        /// The exemplars.
        exemplars: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCovered { words } => write!(out, "not covered by the examples: {}", words.join(", ")),
            Self::FewExamples { found: 1 } => write!(out, "made of one example alone"),
            Self::FewExamples { found } => write!(out, "made of {found} examples alone"),
            Self::OtherLanguage { language: Some(language) } => {
                write!(out, "no example is in the language of the goal; this is in \"{language}\"")
            }
            Self::OtherLanguage { language: None } => {
                write!(out, "no example is known to be in the language of the goal")
            }
            Self::TagsLeftOut { exemplars } => {
                write!(out, "left out, since a tag decides on it: parts of {}", exemplars.join(", "))
            }
            Self::Unread { exemplars } => write!(out, "not read: {}", exemplars.join(", ")),
        }
    }
}

/// A template that is drafted.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Draft {
    /// A short title, made of the goal.
    pub name: String,
    /// The template, in Liquid.
    pub source: String,
    /// Its variables, in the order of their first places; those that only outputs of exemplars use come last, by name.
    pub variables: Vec<Slot>,
    /// The language of the exemplars it is made of, where it is known.
    pub language: Option<String>,
    /// Its sentences, in order.
    pub sentences: Vec<DraftSentence>,
    /// What to know before it is used.
    pub warnings: Vec<Warning>,
}

/// A sentence of a draft, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DraftSentence {
    /// What it does in the reply.
    pub role: Role,
    /// The sentence in Liquid, without the mark of a list.
    pub source: String,
    /// The exemplars that say it, with whatever values; the closest first.
    pub exemplars: Vec<String>,
    /// The share of the exemplars that say it, each counted as it is close to the goal: 0 to 1.
    pub support: f64,
}

/// Exemplars that were read, before it is known how close their sentences are to the goal.
#[derive(Debug, Clone)]
pub struct Material {
    goal: Goal,
    exemplars: Vec<Exemplar>,
    read: Vec<Read>,
    sentences: Vec<Sentence>,
    clusters: Vec<Cluster>,
    outputs: Outputs,
    /// How much each exemplar counts; together 1.
    weights: Vec<f64>,
    medoid: usize,
    texts: Vec<String>,
    language: Option<String>,
    warnings: Vec<Warning>,
}

/// Sentences that say the same but for values: their places, ascending.
#[derive(Debug, Clone)]
struct Cluster {
    members: Vec<usize>,
    role: Role,
    /// The weight of the exemplars that have it.
    support: f64,
    /// What says nearly the same is of one family; of which the draft says one.
    family: usize,
    /// The weight of the exemplars that have any of the family.
    family_support: f64,
}

impl Material {
    /// Reads what a draft is made of.
    ///
    /// # Errors
    /// The goal or the exemplars are empty, or more than a draft is made from.
    pub fn read(goal: &Goal, exemplars: &[Exemplar]) -> Result<Self, DraftError> {
        if goal.text.trim().is_empty() {
            return Err(DraftError::NoGoal);
        }
        if goal.text.len() > MAX_GOAL_BYTES {
            return Err(DraftError::GoalTooLong { found: goal.text.len() });
        }
        if exemplars.is_empty() {
            return Err(DraftError::NoExemplars);
        }
        if exemplars.len() > MAX_DRAFT_EXEMPLARS {
            return Err(DraftError::TooManyExemplars { found: exemplars.len() });
        }
        let found = exemplars.iter().map(|exemplar| exemplar.text.as_str().len()).sum();
        if found > MAX_DRAFT_BYTES {
            return Err(DraftError::TooLarge { found });
        }
        let mut warnings = Vec::new();
        let (chosen, language) = in_one_language(goal, ordered(exemplars), &mut warnings);
        let mut outputs = Outputs::default();
        let (mut used, mut read, mut unread): (Vec<Exemplar>, Vec<Read>, Vec<String>) = Default::default();
        for exemplar in chosen {
            let is_short = exemplar.text.as_str().len() <= MAX_REPLY_BYTES;
            let one = is_short.then(|| Read::of(read.len(), &exemplar, &mut outputs)).flatten();
            match one.filter(|read| read.tokens.len() <= MAX_REPLY_TOKENS && !read.sentences.is_empty()) {
                Some(one) => {
                    read.push(one);
                    used.push(exemplar);
                }
                None => unread.push(exemplar.id),
            }
        }
        if read.is_empty() {
            return Err(DraftError::NothingSaid);
        }
        let cut: Vec<String> =
            used.iter().zip(&read).filter(|(_, read)| read.is_cut).map(|(exemplar, _)| exemplar.id.clone()).collect();
        if !cut.is_empty() {
            warnings.push(Warning::TagsLeftOut { exemplars: cut });
        }
        if !unread.is_empty() {
            warnings.push(Warning::Unread { exemplars: unread });
        }
        if used.len() < FEW_EXEMPLARS {
            warnings.push(Warning::FewExamples { found: used.len() });
        }
        let weights = weights(&used);
        let medoid = medoid(&read, &weights);
        let sentences: Vec<Sentence> =
            read.iter().flat_map(|read| read.sentences.iter().cloned()).take(MAX_DRAFT_SENTENCES).collect();
        let clusters = clusters(&read, &sentences, &weights);
        let leader = |cluster: &Cluster| outputs.prose(passage(&read, &sentences[cluster.members[0]]).whole());
        let texts = std::iter::once(goal.text.trim().to_owned()).chain(clusters.iter().map(leader)).collect();
        let goal = goal.clone();
        Ok(Self {
            goal,
            exemplars: used,
            read,
            sentences,
            clusters,
            outputs,
            weights,
            medoid,
            texts,
            language,
            warnings,
        })
    }

    /// What is to be embedded: the goal, and after it sentences, at most [`MAX_DRAFT_SENTENCES`].
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// The draft. Embeddings are those of [`Material::texts`], in their order and of one length; without them, or if they
    /// are not, words are compared.
    #[must_use]
    pub fn draft(&self, embeddings: Option<&[Vec<f32>]>) -> Draft {
        let nearness = Nearness::of(&self.texts, embeddings);
        self.within(self.choose(&nearness), romashka_liquid::MAX_SOURCE_BYTES)
    }

    /// The draft of clusters, the first ones alone where all would take more bytes: braces take several times their room when
    /// they are shown as they are.
    fn within(&self, mut chosen: Vec<usize>, most_bytes: usize) -> Draft {
        loop {
            let draft = compose::composed(self, &self.in_order(chosen.clone()));
            if draft.source.len() <= most_bytes || chosen.len() < 2 {
                return draft;
            }
            chosen.truncate(chosen.len() / 2);
        }
    }

    fn passage(&self, sentence: &Sentence) -> Passage<'_> {
        passage(&self.read, sentence)
    }

    /// The cluster's sentence that the draft takes its place and form from: that of the middle exemplar, or the leader.
    fn model(&self, cluster: usize) -> &Sentence {
        let members = &self.clusters[cluster].members;
        let of_medoid = members.iter().find(|at| self.sentences[**at].exemplar == self.medoid);
        &self.sentences[*of_medoid.unwrap_or(&members[0])]
    }

    fn is_of_medoid(&self, cluster: usize) -> bool {
        self.model(cluster).exemplar == self.medoid
    }

    fn words_of(&self, cluster: usize) -> usize {
        words(self.passage(self.model(cluster)).tokens())
    }

    /// The clusters that the draft says, in the order in which they are chosen.
    fn choose(&self, nearness: &Nearness) -> Vec<usize> {
        let roles = [Role::Greeting, Role::Acknowledgement, Role::Body, Role::NextStep, Role::Closing];
        let mut left: BTreeMap<Role, usize> = roles
            .into_iter()
            .map(|role| {
                let count = |read: &Read| read.sentences.iter().filter(|sentence| sentence.role == role).count();
                (role, weighted_median(self.read.iter().map(count).zip(self.weights.iter().copied())))
            })
            .collect();
        let most_words = self.goal.length.map_or_else(
            || weighted_median(self.read.iter().map(|read| words(&read.tokens)).zip(self.weights.iter().copied())),
            Length::words,
        );
        if left.values().sum::<usize>() == 0 {
            left.insert(self.clusters[0].role, 1);
        }
        let relevance: Vec<f64> = (0..self.clusters.len()).map(|cluster| self.relevance(cluster, nearness)).collect();
        let most = relevance.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // For the case that sentences have other roles together than alone, so that no role is asked for that there is.
        let most_relevant = (0..relevance.len()).max_by(|a, b| relevance[*a].total_cmp(&relevance[*b]).then(b.cmp(a)));
        let mut chosen: Vec<usize> = Vec::new();
        let mut said = 0;
        let mut repeated = vec![0.0_f64; self.clusters.len()];
        let mut open: BTreeSet<usize> = (0..self.clusters.len()).collect();
        loop {
            let may = |cluster: &usize| {
                let cluster = *cluster;
                let is_short = chosen.is_empty() || said + self.words_of(cluster) <= most_words + SLACK_WORDS;
                left[&self.clusters[cluster].role] > 0 && is_short
            };
            let worth = |cluster: usize| NOVEL * relevance[cluster] / most - (1.0 - NOVEL) * repeated[cluster];
            let best = open.iter().copied().filter(may).max_by(|a, b| worth(*a).total_cmp(&worth(*b)).then(b.cmp(a)));
            let Some(best) = best.or(most_relevant.filter(|_| chosen.is_empty())) else { return chosen };
            open.retain(|cluster| self.clusters[*cluster].family != self.clusters[best].family);
            chosen.push(best);
            said += self.words_of(best);
            left.entry(self.clusters[best].role).and_modify(|left| *left = left.saturating_sub(1));
            for cluster in &open {
                repeated[*cluster] = repeated[*cluster].max(nearness.between(1 + best, 1 + *cluster));
            }
        }
    }

    /// How close to the goal, times how many say so.
    fn relevance(&self, cluster: usize, nearness: &Nearness) -> f64 {
        let to_goal = nearness.between(0, 1 + cluster).max(0.0);
        let of_medoid = if self.is_of_medoid(cluster) { OF_MEDOID } else { 0.0 };
        let Cluster { support, family_support, .. } = &self.clusters[cluster];
        let support = PARAPHRASED * family_support + (1.0 - PARAPHRASED) * support;
        (GOAL_FLOOR + (1.0 - GOAL_FLOOR) * to_goal) * (support + of_medoid)
    }

    /// Clusters as the draft says them.
    fn in_order(&self, mut chosen: Vec<usize>) -> Vec<usize> {
        let place = |cluster: usize| {
            let members = &self.clusters[cluster].members;
            let model = self.model(cluster);
            if model.exemplar == self.medoid {
                return model.place;
            }
            let mean = |of: &dyn Fn(&Sentence) -> f64| members.iter().map(|at| of(&self.sentences[*at])).sum::<f64>();
            let weight = mean(&|sentence| self.weights[sentence.exemplar]);
            mean(&|sentence| self.weights[sentence.exemplar] * sentence.place) / weight.max(f64::MIN_POSITIVE)
        };
        chosen.sort_by(|a, b| {
            let key = |cluster: usize| (self.clusters[cluster].role != Role::Greeting, self.model(cluster).signs);
            key(*a).cmp(&key(*b)).then(place(*a).total_cmp(&place(*b))).then(a.cmp(b))
        });
        self.lists_whole(chosen)
    }

    /// What would stand within a list though the middle exemplar does not have it there comes after the list, and what
    /// announces a list stays only before one.
    fn lists_whole(&self, chosen: Vec<usize>) -> Vec<usize> {
        let is_item = |cluster: usize| self.model(cluster).lead != reading::Lead::None;
        let mut ordered: Vec<usize> = Vec::with_capacity(chosen.len());
        let mut later: Vec<usize> = Vec::new();
        for (at, cluster) in chosen.iter().enumerate() {
            let is_within =
                ordered.iter().any(|before| is_item(*before)) && chosen[at..].iter().any(|next| is_item(*next));
            if is_within && !is_item(*cluster) && !self.is_of_medoid(*cluster) {
                later.push(*cluster);
                continue;
            }
            if !is_within {
                ordered.append(&mut later);
            }
            ordered.push(*cluster);
        }
        ordered.append(&mut later);
        let announces = |cluster: usize| {
            let passage = self.passage(self.model(cluster));
            passage.tokens().last().is_some_and(|last| last.of(passage.text) == ":")
        };
        let keeps = |at: usize| !announces(ordered[at]) || ordered.get(at + 1).is_some_and(|next| is_item(*next));
        let kept: Vec<usize> = (0..ordered.len()).filter(|at| keeps(*at)).map(|at| ordered[at]).collect();
        if kept.is_empty() { ordered } else { kept }
    }
}

/// Share of a sentence's worth that is its relevance; the other is that it does not repeat what is chosen.
const NOVEL: f64 = 0.8;
/// What a sentence that is not like the goal at all is worth beside one that is the goal.
const GOAL_FLOOR: f64 = 0.5;
/// What an exemplar that has nearly the same sentence counts beside one that has it.
const PARAPHRASED: f64 = 0.7;
/// Support that a sentence has for being of the middle exemplar.
const OF_MEDOID: f64 = 0.3;
/// What an exemplar that is not close at all counts beside the closest.
const EQUAL: f64 = 0.5;
/// Words by which a draft may be longer than exemplars are.
const SLACK_WORDS: usize = 5;

/// Exemplars in an order that is theirs alone, the closest first.
fn ordered(exemplars: &[Exemplar]) -> Vec<Exemplar> {
    let bounded = |exemplar: &Exemplar| {
        let closeness = if exemplar.closeness.is_nan() { 0.0 } else { exemplar.closeness.clamp(0.0, 1.0) };
        Exemplar { closeness, ..exemplar.clone() }
    };
    let mut ordered: Vec<Exemplar> = exemplars.iter().map(bounded).collect();
    ordered.sort_by(|a, b| {
        let rest = |exemplar: &Exemplar| (exemplar.text.clone(), exemplar.id.clone(), exemplar.language.clone());
        b.closeness.total_cmp(&a.closeness).then_with(|| rest(a).cmp(&rest(b)))
    });
    ordered
}

/// The exemplars of the goal's language, or else of the language that counts most, and that language. Those of an unknown one
/// are taken for any.
fn in_one_language(
    goal: &Goal,
    mut exemplars: Vec<Exemplar>,
    warnings: &mut Vec<Warning>,
) -> (Vec<Exemplar>, Option<String>) {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    let of = |exemplar: &Exemplar| exemplar.language.as_deref().map(primary);
    let wished = goal.language.as_deref().map(primary);
    let has_wished = wished.is_some() && exemplars.iter().any(|exemplar| of(exemplar) == wished);
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for exemplar in &exemplars {
        if let Some(language) = of(exemplar) {
            *counts.entry(language).or_default() += exemplar.closeness;
        }
    }
    let most = counts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(language, _)| language);
    let taken = if has_wished { wished.clone() } else { most };
    exemplars.retain(|exemplar| of(exemplar).is_none() || of(exemplar) == taken);
    if wished.is_some() && !has_wished {
        warnings.push(Warning::OtherLanguage { language: taken.clone() });
    }
    (exemplars, taken)
}

/// How much each counts: the more the closer, in part.
fn weights(exemplars: &[Exemplar]) -> Vec<f64> {
    let most = exemplars.iter().map(|exemplar| exemplar.closeness).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let weight = |exemplar: &Exemplar| EQUAL + (1.0 - EQUAL) * exemplar.closeness / most;
    let all: f64 = exemplars.iter().map(weight).sum();
    exemplars.iter().map(|exemplar| weight(exemplar) / all).collect()
}

fn keys(tokens: &[Token], text: &str) -> Vec<u64> {
    tokens.iter().filter(|token| token.is_word() || is_stand_in(token.of(text))).map(|token| token.key).collect()
}

/// The exemplar that is most like the others, by the longest common subsequence of words.
fn medoid(read: &[Read], weights: &[f64]) -> usize {
    let keys: Vec<Vec<u64>> = read.iter().map(|read| keys(&read.tokens, &read.text)).collect();
    let likeness = |one: usize| {
        let own = Comparable::of(&keys[one]);
        keys.iter().zip(weights).map(|(other, weight)| weight * own.likeness(other)).sum::<f64>()
    };
    let likeness: Vec<f64> = (0..read.len()).map(likeness).collect();
    (0..read.len()).max_by(|a, b| likeness[*a].total_cmp(&likeness[*b]).then(b.cmp(a))).unwrap_or_default()
}

fn passage<'read>(read: &'read [Read], sentence: &Sentence) -> Passage<'read> {
    let read = &read[sentence.exemplar];
    Passage::of(&read.text, &read.tokens, sentence.tokens.clone())
}

/// Sentences that say the same but for values, those that say nearly the same in one family.
fn clusters(read: &[Read], sentences: &[Sentence], weights: &[f64]) -> Vec<Cluster> {
    let mut places: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
    let (mut forms, mut members): (Vec<Form>, Vec<Vec<usize>>) = Default::default();
    for (at, sentence) in sentences.iter().enumerate() {
        let passage = passage(read, sentence);
        // Who signs is another one each time.
        let keys = if sentence.signs { Vec::new() } else { keys(passage.tokens(), passage.text) };
        let place = *places.entry(keys.clone()).or_insert(forms.len());
        if place == forms.len() {
            forms.push(Form { keys, weight: 0 });
            members.push(Vec::new());
        }
        forms[place].weight += 1;
        members[place].push(at);
    }
    let mut alone: BTreeSet<usize> = (0..forms.len()).collect();
    let mut families: Vec<Vec<usize>> = groups(&forms);
    families.iter().flatten().for_each(|form| {
        alone.remove(form);
    });
    families.extend(alone.into_iter().map(|form| vec![form]));
    let support = |members: &mut dyn Iterator<Item = usize>| -> f64 {
        let of: BTreeSet<usize> = members.map(|at| sentences[at].exemplar).collect();
        of.into_iter().map(|exemplar| weights[exemplar]).sum()
    };
    let mut clusters: Vec<Cluster> = Vec::new();
    for (family, forms) in families.iter().enumerate() {
        let family_support = support(&mut forms.iter().flat_map(|form| members[*form].iter().copied()));
        for forms in wordings(read, sentences, forms, &members) {
            let mut members: Vec<usize> = forms.into_iter().flat_map(|form| members[form].iter().copied()).collect();
            members.sort_unstable();
            let mut roles: BTreeMap<Role, f64> = BTreeMap::new();
            for at in &members {
                *roles.entry(sentences[*at].role).or_default() += weights[sentences[*at].exemplar];
            }
            let role = roles.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(Role::Body, |(role, _)| role);
            let support = support(&mut members.iter().copied());
            clusters.push(Cluster { members, role, support, family, family_support });
        }
    }
    clusters
}

/// Wordings that a sentence is compared with.
const MOST_WORDINGS: usize = 16;

/// The forms of a family, those together that differ in values alone: "was approved" and "was denied" are nearly the same,
/// and say something else.
fn wordings(read: &[Read], sentences: &[Sentence], family: &[usize], members: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut in_order = family.to_vec();
    in_order.sort_by_key(|form| members[*form][0]);
    let mut wordings: Vec<Vec<usize>> = Vec::new();
    for form in in_order {
        let own = passage(read, &sentences[members[form][0]]);
        let same = wordings.iter_mut().take(MOST_WORDINGS).find(|wording| {
            let pair = [passage(read, &sentences[members[wording[0]][0]]), own];
            let pieces = pattern::common(&pair, &mut { u64::MAX }).unwrap_or_default();
            let matcher = Matcher::of_pieces(&pieces);
            pair.iter().all(|passage| matcher.find_in(passage).is_some_and(|filled| filled.share >= 1.0))
        });
        match same {
            Some(wording) => wording.push(form),
            None => wordings.push(vec![form]),
        }
    }
    wordings
}

/// The number for which half of the weight is below, and half above.
fn weighted_median(numbers: impl Iterator<Item = (usize, f64)>) -> usize {
    let mut numbers: Vec<(usize, f64)> = numbers.collect();
    numbers.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let half = numbers.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (number, weight) in &numbers {
        below += weight;
        if below >= half {
            return *number;
        }
    }
    numbers.last().map_or(0, |(number, _)| *number)
}

/// Members of a cluster that are laid beside each other.
fn compared(cluster: &Cluster) -> &[usize] {
    &cluster.members[..cluster.members.len().min(MOST_COMPARED)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_is_too_long_says_what_was_chosen_first() {
        let goal = Goal { text: "pay the bill".to_owned(), language: None, length: None };
        let text = "Please pay the bill. It has {{ as its sign. We wish you luck. Nobody waits here.".to_owned();
        let exemplar = Exemplar { id: "a".to_owned(), text: Text::Reply(text), language: None, closeness: 1.0 };
        let material = Material::read(&goal, &[exemplar]).unwrap();
        assert_eq!(material.within(vec![0, 1, 2, 3], 45).source, "Please pay the bill.");
        assert_eq!(material.within(vec![2, 0, 1, 3], 45).source, "Please pay the bill. We wish you luck.");
    }
}
