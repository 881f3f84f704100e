//! An answer from the model, checked.

use std::fmt;

use super::grounding::within_domains;
use super::{
    AnswerRequest, Material, Role, Ungrounded, Unusable, Written, grounded, looks_like_instructions, parse_with,
    prompt_of, turns,
};
use crate::{LanguageModel, ModelError};

/// An answer that a model wrote and whose values its sources have.
///
/// There is no member for an action, so an answer cannot decide one.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// The text for the customer.
    pub text: String,
    /// Ids of the cited sources, in ascending order, at least one.
    pub cited: Vec<usize>,
    /// Tokens and cost of it.
    pub usage: Usage,
    /// Id or name of the model.
    pub model: String,
}

impl fmt::Debug for Composed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Composed")
            .field("text_bytes", &self.text.len())
            .field("cited", &self.cited)
            .field("usage", &self.usage)
            .field("model", &self.model)
            .finish()
    }
}

/// Tokens and cost of one question to a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt; `None` where the endpoint does not tell.
    pub input_tokens: Option<u32>,
    /// Tokens of the output; `None` where the endpoint does not tell.
    pub output_tokens: Option<u32>,
    /// Cost in millionths of a US dollar; `None` without a configured price or without tokens.
    pub cost_micro_usd: Option<u64>,
}

/// An answer that was not composed. The caller gives its extractive answer instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotComposed {
    /// The reason.
    #[source]
    pub reason: Reason,
    /// Tokens and cost of the output that was refused; `None` where no output came.
    pub usage: Option<Usage>,
}

/// Reasons for which no answer was composed. None of them holds text of anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The question is blank, so the model was not asked.
    #[error("the question is blank")]
    NoQuestion,
    /// The question seems to be written for the model, which was not asked.
    #[error("the question reads like instructions to a language model")]
    Instructions,
    /// No source can be shown to the model, which was not asked.
    #[error("there is no source to answer from")]
    NoSources,
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The sources do not answer the question, as the model says.
    #[error("the sources do not answer the question")]
    Unanswered,
    /// The output is no answer.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The answer holds a value that its sources do not have.
    #[error(transparent)]
    Ungrounded(#[from] Ungrounded),
}

impl Reason {
    /// One word for a metric, such as `unanswered` or `ungrounded_link`.
    pub fn kind(&self) -> String {
        match self {
            Self::NoQuestion => "no_question".to_owned(),
            Self::Instructions => "instructions".to_owned(),
            Self::NoSources => "no_sources".to_owned(),
            Self::Model(error) => format!("model_{}", error.kind()),
            Self::Unanswered => "unanswered".to_owned(),
            Self::Unusable(unusable) => format!("unusable_{}", unusable.kind()),
            Self::Ungrounded(ungrounded) => format!("ungrounded_{}", ungrounded.kind),
        }
    }
}

impl From<Reason> for NotComposed {
    fn from(reason: Reason) -> Self {
        Self { reason, usage: None }
    }
}

/// Has a model write an answer, and checks it.
///
/// The model is asked once, within its own deadline, and only where there is a source to answer from and the question does
/// not [look like instructions](looks_like_instructions).
///
/// # Errors
/// [`NotComposed`], for each of which the caller falls back to its extractive answer.
pub async fn compose(model: &LanguageModel, request: &AnswerRequest<'_>) -> Result<Composed, NotComposed> {
    if request.question.trim().is_empty() {
        return Err(Reason::NoQuestion.into());
    }
    if looks_like_instructions(request.question) {
        return Err(Reason::Instructions.into());
    }
    let material = Material::of(request);
    if material.sources.is_empty() {
        return Err(Reason::NoSources.into());
    }
    let completion = model.converse(&prompt_of(request, &material)).await.map_err(Reason::Model)?;
    let (input_tokens, output_tokens) = (completion.input_tokens, completion.output_tokens);
    let price = model.price().zip(input_tokens.zip(output_tokens));
    let cost_micro_usd = price.map(|(price, (input, output))| price.cost(input, output));
    let usage = Usage { input_tokens, output_tokens, cost_micro_usd };
    let (text, cited) =
        checked(&completion.text, request, &material).map_err(|reason| NotComposed { reason, usage: Some(usage) })?;
    Ok(Composed { text, cited, usage, model: model.name().to_owned() })
}

fn checked(output: &str, request: &AnswerRequest<'_>, material: &Material) -> Result<(String, Vec<usize>), Reason> {
    let Written::Answer { text, cited } = parse_with(output, request, material)? else {
        return Err(Reason::Unanswered);
    };
    let sources: Vec<String> =
        material.sources.iter().filter(|source| cited.contains(&source.id)).map(super::Shown::said).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let before = turns(request);
    let earlier = before.iter().filter(|turn| turn.role == Role::Customer).map(|turn| turn.text);
    let said: Vec<&str> = earlier.chain([request.question]).collect();
    grounded(&text, &sources, &said)?;
    if let Some(domains) = request.domains {
        within_domains(&text, domains)?;
    }
    Ok((text, cited))
}
