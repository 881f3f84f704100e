//! Intents with their examples in JSON: Dialogflow ES and CX, Lex, Watson, Botpress. LUIS, Wit and Rasa list examples as rows.
//!
//! Formats: <https://cloud.google.com/dialogflow/es/docs/reference/rest/v2/projects.agent.intents>,
//! <https://docs.aws.amazon.com/lexv2/latest/dg/import-export-format.html>, IBM's "workspace" of Watson Assistant,
//! Botpress's `intents` folder.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::without_marks;
use crate::errors::RowError;
use crate::exports::{Adapter, Listed, Text, Truth};
use crate::json_cells::not_as_exported;

/// An intent, in the words of any engine.
#[derive(Debug, Deserialize)]
struct Intent<'text> {
    #[serde(borrow, default)]
    intent: Text<'text>,
    #[serde(borrow, default, rename = "displayName")]
    display_name: Text<'text>,
    #[serde(borrow, default)]
    name: Text<'text>,
    /// Watson.
    #[serde(borrow, default)]
    examples: Listed<Said<'text>>,
    /// Lex.
    #[serde(borrow, default, rename = "sampleUtterances")]
    sample_utterances: Listed<Said<'text>>,
    /// Dialogflow.
    #[serde(borrow, default, rename = "trainingPhrases")]
    training_phrases: Listed<Said<'text>>,
    #[serde(borrow, default, rename = "userSays")]
    user_says: Listed<Said<'text>>,
    /// Botpress, by language.
    #[serde(borrow, default)]
    utterances: Option<ByLanguage<'text>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ByLanguage<'text> {
    Languages(#[serde(borrow)] BTreeMap<String, Listed<Said<'text>>>),
    Other(serde::de::IgnoredAny),
}

/// An example.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said<'text> {
    Parts(#[serde(borrow)] Parts<'text>),
    Plain(#[serde(borrow)] Text<'text>),
}

#[derive(Debug, Deserialize)]
struct Parts<'text> {
    #[serde(borrow, default)]
    text: Text<'text>,
    #[serde(borrow, default)]
    utterance: Text<'text>,
    #[serde(borrow, default)]
    parts: Listed<Part<'text>>,
    #[serde(borrow, default)]
    data: Listed<Part<'text>>,
    #[serde(default, rename = "isTemplate")]
    is_template: Truth,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'text>,
}

#[derive(Debug, Deserialize)]
struct Part<'text> {
    #[serde(borrow, default)]
    text: Text<'text>,
}

impl Said<'_> {
    fn text(self) -> Option<String> {
        let said = match self {
            Self::Plain(text) => return text.filled().map(Cow::into_owned),
            Self::Parts(said) => said,
        };
        if said.is_template.is_true() || said.kind.filled().is_some_and(|kind| kind == "TEMPLATE") {
            return None;
        }
        let whole = said.text.filled().or_else(|| said.utterance.filled());
        whole.map(Cow::into_owned).or_else(|| {
            let parts = said.parts.0.into_iter().chain(said.data.0);
            let joined: String = parts.filter_map(|part| part.text.0).collect();
            (!joined.trim().is_empty()).then_some(joined)
        })
    }
}

/// The engine whose intent an object is, by its keys.
pub(crate) fn engine_of(has: impl Fn(&str) -> bool) -> Option<Adapter> {
    match () {
        // A row of cells.
        () if has("text") => None,
        () if has("examples") && has("intent") => Some(Adapter::Watson),
        () if has("sampleUtterances") => Some(Adapter::Lex),
        () if has("trainingPhrases") || has("userSays") || has("data") && has("isTemplate") => {
            Some(Adapter::Dialogflow)
        }
        () if has("utterances") && has("name") => Some(Adapter::Botpress),
        () => None,
    }
}

/// The examples of an intent, each with its label; of a file of phrases without an intent, its one phrase.
pub(crate) fn examples(row: u64, object: &str) -> Result<(Option<String>, Vec<String>), RowError> {
    let wrong = |error| not_as_exported(row, &error);
    let intent: Intent<'_> = serde_json::from_str(object).map_err(wrong)?;
    let label = [intent.intent, intent.display_name, intent.name].into_iter().find_map(Text::filled);
    let mut said = intent.examples.0;
    said.extend(intent.sample_utterances.0);
    said.extend(intent.training_phrases.0);
    said.extend(intent.user_says.0);
    if let Some(ByLanguage::Languages(languages)) = intent.utterances {
        said.extend(languages.into_values().flat_map(|said| said.0));
    }
    if said.is_empty() && label.is_none() {
        said.push(Said::Parts(serde_json::from_str(object).map_err(wrong)?));
    }
    let texts = said.into_iter().filter_map(Said::text).map(|text| without_marks(&text).replace(['{', '}'], ""));
    Ok((label.map(Cow::into_owned), texts.collect()))
}
