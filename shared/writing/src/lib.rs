//! How a reply template could be written better.
//!
//! [`review`] reads a template as its readers will see it, with words for its values and each branch in its sentence,
//! and says what it measures, how it sounds and what could be better: grammar and spelling, phrases that blame or send
//! away, many words for few, long sentences, parts that a reply should have. Most findings come with a rewrite, and
//! [`apply`] makes a new version of the template with those that a person chose.
//!
//! The crate is pure: no clock, no file, no network. It promises that
//!
//! * **markup stays what it is**: rewrites replace the template's own words and nothing else; whatever findings are
//!   chosen, the new version can be read, uses the same variables, and differs nowhere but in those words;
//! * **rewrites of a review never overlap**, so all of them may be applied at once;
//! * **what was rewritten is not found again**, as far as phrases and missing parts go;
//! * **time and memory are bounded**, for hostile templates too: [`MAX_FINDINGS`], [`MAX_CHECKED_BYTES`].
//!
//! Phrases, tone, parts and readability are known for English, German, Spanish and Russian; grammar and spelling for
//! English. For another language a review has fewer findings, and says so.
//!
//! ```
//! use romashka_liquid::Template;
//! use romashka_writing::{Channel, Situation, apply, review};
//!
//! let template = Template::parse("Hi {{ name }}, you failed to send the form. Please reply!!!").unwrap();
//! let situation = Situation { language: Some("en"), channel: Channel::Chat, ..Situation::default() };
//! let review = review(&template, &situation);
//! let all: Vec<_> = review.findings.iter().map(|finding| finding.id.clone()).collect();
//! assert_eq!(
//!     apply(&template, &review, &all).unwrap(),
//!     "Hi {{ name }}, we still need you to send the form. Please reply!"
//! );
//! ```

mod finding;
mod grammar;
mod html;
mod language;
mod lexicon;
mod long_sentences;
mod measures;
mod parts;
mod phrases;
mod reading;
mod rewriting;
mod shouting;
mod tables;
mod tone;
mod words;

use std::collections::HashSet;

use romashka_liquid::{Span, Template};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use finding::{Finding, FindingId, Rewrite, Rule};
pub use grammar::{Grammar, MAX_CHECKED_BYTES, warm_up};
pub use language::Language;
pub use measures::{Formula, Measures, Readability};
pub use rewriting::{ApplyError, apply};
pub use tone::{Formality, Tone, Warmth};

use finding::{Draft, Remedy};
use reading::Readings;

/// Findings of a review.
pub const MAX_FINDINGS: usize = 100;
/// Score of an ease below which a template is hard to read: Flesch calls 30 to 50 difficult.
const HARD: f64 = 40.0;
/// Sentences that a score says something about.
const LEAST_SENTENCES: usize = 3;

/// Where a reply goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WritingChannel)]
pub enum Channel {
    /// A letter of its own, with a greeting and a closing formula.
    Email,
    /// A line in a conversation.
    Chat,
    /// Somewhere else, or it is not known.
    #[default]
    Other,
}

impl Channel {
    /// Words of a reply that is not too long for it.
    #[must_use]
    pub fn most_words(self) -> usize {
        match self {
            Self::Chat => 120,
            Self::Email | Self::Other => 300,
        }
    }
}

/// What the words of a template are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Plain text.
    #[default]
    Text,
    /// HTML: what stands between tags is read, and nothing with markup in it is offered.
    Html,
}

/// How the customer feels who gets the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerMood)]
pub enum Mood {
    /// It is not known.
    #[default]
    Unknown,
    /// As usual.
    Neutral,
    /// Angry or disappointed.
    Upset,
}

/// What a template is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Situation<'tag> {
    /// Its language as a BCP 47 tag. Where there is none, it is guessed from the words.
    pub language: Option<&'tag str>,
    /// What its words are.
    pub format: Format,
    /// Where replies go that are made of it.
    pub channel: Channel,
    /// How the customer feels.
    pub mood: Mood,
}

/// What a review says.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WritingReview)]
pub struct Review {
    /// The language that it was read in; none where that is not one of those that are known.
    pub language: Option<Language>,
    /// Whether the language was guessed.
    pub is_language_guessed: bool,
    /// How much of the grammar and spelling was checked.
    pub grammar: Grammar,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
    /// How long it is, and how hard to read.
    pub measures: Measures,
    /// How it sounds; none where the language is not known.
    pub tone: Option<Tone>,
    /// What could be better, in the order of the source.
    pub findings: Vec<Finding>,
    /// Findings beyond [`MAX_FINDINGS`].
    pub left_out: usize,
}

/// Reviews a template.
#[must_use]
pub fn review(template: &Template, situation: &Situation<'_>) -> Review {
    let readings = Readings::of(template, situation.format);
    let longest = readings.longest();
    let language = match (situation.language, longest) {
        (Some(tag), _) => Language::of_tag(tag),
        (None, Some(reading)) => Language::guessed(&reading.text, &reading.tokens),
        (None, None) => None,
    };
    let mut drafts = Vec::new();
    let mut grammar = Grammar::NotChecked;
    if language == Some(Language::English) {
        grammar = grammar::find(template, &readings, &mut drafts);
    }
    let mut long = HashSet::new();
    for reading in readings.all() {
        let words = compared(reading);
        if let Some(language) = language {
            phrases::find(reading, &words, language, &mut drafts);
        }
        shouting::find(reading, &words, language, &mut drafts);
        long_sentences::find(reading, &words, language, &mut long, &mut drafts);
    }
    if let Some(language) = language {
        parts::find(template, &readings, language, situation, &mut drafts);
    }
    let measures = longest.map(|reading| Measures::of(reading, language)).unwrap_or_default();
    drafts.extend(whole(&measures, situation.channel));
    let tone = language.zip(longest).map(|(language, reading)| Tone::of(&compared(reading), language));
    if situation.format == Format::Html {
        drafts.iter_mut().for_each(Draft::without_markup);
    }
    let (findings, left_out) = finding::findings(template, drafts);
    Review {
        language,
        is_language_guessed: situation.language.is_none() && language.is_some(),
        grammar,
        notes: notes(language, grammar, situation),
        measures,
        tone,
        findings,
        left_out,
    }
}

/// The tokens of a reading as they are compared.
fn compared(reading: &reading::Reading) -> Vec<String> {
    reading.tokens.iter().map(|token| lexicon::normal(token.of(&reading.text))).collect()
}

/// What is to be said of the whole.
fn whole(measures: &Measures, channel: Channel) -> Vec<Draft> {
    let hint = |rule: Rule, message: String, why: &str| Draft {
        rule,
        span: Span::default(),
        message,
        remedy: Remedy::Hint(why.to_owned()),
    };
    let mut drafts = Vec::new();
    if measures.words > channel.most_words() {
        let message =
            format!("it has {} words; up to {} are read to the end here", measures.words, channel.most_words());
        drafts.push(hint(Rule::Length, message, "leave out what the customer does not need, or link to it"));
    }
    let ease = measures.readability.iter().find(|one| one.formula.is_ease());
    if let Some(ease) = ease.filter(|ease| ease.score < HARD && measures.sentences >= LEAST_SENTENCES) {
        let message = format!("it is hard to read: its score is {:.0}, and {HARD:.0} is difficult already", ease.score);
        drafts.push(hint(Rule::Readability, message, "use shorter sentences and shorter words"));
    }
    drafts
}

fn notes(language: Option<Language>, grammar: Grammar, situation: &Situation<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    match (language, situation.language) {
        (Some(_), _) => {}
        (None, Some(tag)) => {
            let tag: String = tag.chars().filter(|char| char.is_alphanumeric() || *char == '-').take(35).collect();
            notes.push(format!(
                "phrases, tone, readability and missing parts are known for English, German, Spanish and \
                 Russian, not for “{tag}”"
            ));
        }
        (None, None) => notes.push(
            "the language is not known, so phrases, tone, readability and missing parts were not looked at".to_owned(),
        ),
    }
    match grammar {
        Grammar::Checked => {}
        Grammar::Partly => {
            notes.push(format!("grammar and spelling were checked for the first {MAX_CHECKED_BYTES} bytes only"));
        }
        Grammar::NotChecked => notes.push("grammar and spelling are checked for English only".to_owned()),
    }
    notes
}
