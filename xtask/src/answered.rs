//! Asks every question of an unlabelled file through the API and counts how often it was answered.

use std::time::Instant;

use anyhow::{Result, bail};
use romashka_ingest::redaction::Redactor;
use romashka_ingest::{Kind, Options, Records, Role};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Tenant;
use crate::score::Percentiles;

/// The deployed model's answers to an unlabelled file.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    /// Questions asked.
    pub asked: usize,
    /// The share that was answered.
    pub answered: f64,
    /// The share that was asked back.
    pub clarified: f64,
    /// Milliseconds from a question to its answer, one at a time.
    pub answer_ms: Percentiles,
    /// Every answer, in the order of the file.
    pub answers: Vec<Asked>,
}

/// One question and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Row of the file.
    pub row: u64,
    /// The question.
    pub question: String,
    /// `reply`, `clarify` or `hand_off`.
    pub action: String,
    /// The answer, or the question back.
    pub reply: Option<String>,
    /// Probability of the answer.
    pub confidence: Option<f64>,
    /// Rows that the answer rests on.
    pub sources: Value,
    /// The reply of a person, where the file has one.
    pub person: Option<String>,
}

/// A question of an unlabelled file.
#[derive(Clone, Debug, PartialEq)]
pub struct Unlabelled {
    row: u64,
    /// The body of the request.
    request: Value,
    question: String,
    person: Option<String>,
}

/// The questions of a file: customers' turns that were replied to, questions of an FAQ, or plain messages.
pub fn read(bytes: &[u8], kind: Kind) -> Result<Vec<Unlabelled>> {
    // Asked as they are: what is personal is hidden by whoever answers.
    let options = Options { redactor: Redactor::none(), ..Options::default() };
    let mut questions = Vec::new();
    for row in Records::open(bytes, kind, &options)? {
        let Ok(record) = row? else { continue };
        if record.conversation.is_some() && record.reply.is_none() {
            continue;
        }
        let before = record.before.iter().map(|turn| {
            let role = if turn.role == Role::Customer { "customer" } else { "agent" };
            json!({ "role": role, "text": turn.text })
        });
        questions.push(Unlabelled {
            row: record.row,
            request: json!({ "text": record.text, "before": before.collect::<Vec<_>>() }),
            question: record.text,
            person: record.reply,
        });
    }
    if questions.is_empty() {
        bail!("the file has no questions to ask");
    }
    Ok(questions)
}

/// Asks every question.
pub fn ask(tenant: &Tenant, questions: &[Unlabelled]) -> Result<Answered> {
    let mut durations = Vec::with_capacity(questions.len());
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let started = Instant::now();
        let answer = tenant.post("/v1/answers", &question.request)?;
        durations.push(started.elapsed().as_secs_f64() * 1000.0);
        answers.push(Asked {
            row: question.row,
            question: question.question.clone(),
            action: answer["action"].as_str().unwrap_or_default().to_owned(),
            reply: answer["reply"].as_str().map(str::to_owned),
            confidence: answer["provenance"]["reply_confidence"].as_f64(),
            sources: answer["provenance"]["sources"].clone(),
            person: question.person.clone(),
        });
    }
    let share = |action: &str| {
        answers.iter().filter(|answer| answer.action == action).count() as f64 / answers.len().max(1) as f64
    };
    Ok(Answered {
        asked: answers.len(),
        answered: share("reply"),
        clarified: share("clarify"),
        answer_ms: Percentiles::of(durations),
        answers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_turns_with_a_reply_are_asked_with_what_came_before() {
        let file = b"conversation_id,role,text\nc1,customer,Do you ship to Germany?\nc1,agent,\"Yes, we do.\"\n\
                     c1,customer,And to Austria?\nc1,agent,There too.\nc1,customer,thanks\n";
        let questions = read(file, Kind::Conversations).unwrap();
        assert_eq!(questions.len(), 2);
        assert_eq!(questions[1].request["before"][1], json!({ "role": "agent", "text": "Yes, we do." }));
        assert_eq!(questions[1].person.as_deref(), Some("There too."));
    }

    #[test]
    fn a_file_without_questions_is_refused() {
        assert!(read(b"question,answer\n", Kind::Faq).is_err());
    }
}
