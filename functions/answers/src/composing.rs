//! An answer in the words of the language model that the operator configured.
//!
//! The model writes from the texts that were found and from nothing else, after the action was decided. Whatever goes wrong,
//! the answer drafted from the texts stands.

use std::time::Instant;

use romashka_domain::answer::{LanguageModelUse, ReplySource};
use romashka_ingest::redaction::by_default;
use romashka_language_model::LanguageModel;
use romashka_language_model::answer::{AnswerRequest, Nonce, Role, SourceText, Turn, Usage, compose};
use romashka_learning::knowledge::SourceKind;
use tokio::sync::OnceCell;

use crate::answering::{Written, named};
use crate::ask::{EarlierTurn, TurnRole};

/// Characters of an answer.
const MAX_ANSWER_CHARS: usize = 1_200;

static MODEL: OnceCell<Option<LanguageModel>> = OnceCell::const_new();

/// A language model's part in an answer.
pub struct Composition {
    /// The text and what it rests on; `None` where the texts' own answer stands.
    pub written: Option<(String, Vec<ReplySource>)>,
    /// Tokens, cost and time.
    pub spent: LanguageModelUse,
}

/// The model of this deployment; `None` where none is configured. One that is configured wrongly is none, and the log says so.
pub async fn configured() -> Option<LanguageModel> {
    let of_env = || async {
        LanguageModel::from_env().await.unwrap_or_else(|error| {
            tracing::error!(cause = %error, "the language model is configured wrongly; answers go without");
            None
        })
    };
    MODEL.get_or_init(of_env).await.clone()
}

/// Has the model write the answer to a question. `nonce` must be new for each request.
pub async fn composed(
    model: &LanguageModel,
    question: &str,
    before: &[EarlierTurn],
    material: &[Written<'_>],
    language: Option<&str>,
    nonce: [u8; 16],
) -> Composition {
    let started = Instant::now();
    let sources: Vec<SourceText<'_>> = (1..)
        .zip(material)
        .map(|(id, written)| SourceText {
            id,
            kind: match written.kind {
                SourceKind::Faq => "faq",
                SourceKind::Article => "article",
                SourceKind::Reply => "reply",
            },
            title: written.title,
            text: &written.text,
        })
        .collect();
    // The model is shown what the texts were learnt as: without what is personal.
    let said: Vec<String> = before.iter().map(|turn| by_default(turn.text.clone())).collect();
    let turns: Vec<Turn<'_>> = before
        .iter()
        .zip(&said)
        .map(|(turn, text)| Turn {
            role: if turn.role == TurnRole::Customer { Role::Customer } else { Role::Support },
            text,
        })
        .collect();
    let request = AnswerRequest {
        question,
        before: &turns,
        sources: &sources,
        language,
        tone: None,
        domains: None,
        max_characters: MAX_ANSWER_CHARS,
        nonce: Nonce::new(nonce),
    };
    let answer = compose(model, &request).await;
    let spent = |usage: Option<&Usage>, fallback: Option<String>| LanguageModelUse {
        model: model.name().to_owned(),
        input_tokens: usage.and_then(|usage| usage.input_tokens),
        output_tokens: usage.and_then(|usage| usage.output_tokens),
        cost_micro_usd: usage.and_then(|usage| usage.cost_micro_usd),
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        fallback,
    };
    match answer {
        // Nobody fills a placeholder that the model repeats.
        Ok(composed) if composed.text.contains("{{") => {
            Composition { written: None, spent: spent(Some(&composed.usage), Some("placeholder".to_owned())) }
        }
        Ok(composed) => {
            let cited = composed.cited.iter().filter_map(|id| material.get(id.checked_sub(1)?));
            let sources = cited.flat_map(|written| named(written.sources).into_iter().take(1)).collect();
            Composition { spent: spent(Some(&composed.usage), None), written: Some((composed.text, sources)) }
        }
        Err(not) => {
            let reason = not.reason.kind();
            tracing::info!(%reason, "the language model wrote no usable answer");
            Composition { written: None, spent: spent(not.usage.as_ref(), Some(reason)) }
        }
    }
}
