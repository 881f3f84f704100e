//! Takes what people say of an answer.

use romashka_domain::Permission;
use romashka_domain::answer::MAX_MESSAGE_CHARS;
use romashka_domain::feedback::{CSAT, Feedback, MAX_INTENT_CHARS, MAX_REPLY_CHARS, Opinion, Thumbs};
use romashka_domain::ids::AnswerId;
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, invalid_field, not_found};
use romashka_ingest::redaction::by_default;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::retrain::retrain_if_due;

/// What somebody says of an answer; at least one of `thumbs`, `csat`, `corrected_intent` and `edited_reply`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFeedback {
    /// Whether the answer helped.
    #[serde(default)]
    pub thumbs: Option<Thumbs>,
    /// The customer's satisfaction, 1 (worst) to 5 (best).
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5)]
    pub csat: Option<u8>,
    /// The intent that the message really has, 1 to 100 characters; `oos` where it belongs to none.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub corrected_intent: Option<String>,
    /// The message as it was asked, 1 to 4,000 characters. With a corrected intent it must be there, because answers are
    /// not stored; without one it must not.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    pub text: Option<String>,
    /// What was sent to the customer instead of the drafted reply, 1 to 4,000 characters. It is kept and does not train.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    pub edited_reply: Option<String>,
}

/// Say how good an answer was, and correct it.
///
/// Feedback on an answer takes the place of what was given on it before. A corrected intent waits with its message until
/// it is learnt.
#[utoipa::path(
    post, path = "/v1/answers/{answer_id}/feedback", operation_id = "feedback.give", tag = "feedback",
    params(("answer_id" = String, Path, format = "uuid", description = "The answer."), IdempotencyKey),
    request_body = NewFeedback,
    responses((status = 200, description = "The feedback now kept.", body = Feedback), Refusals)
)]
pub async fn give_feedback(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::GiveFeedback)?;
    let id: AnswerId = request.path_id("answer_id", "answer")?;
    if !id.belongs_to(caller.store.tenant()) {
        return Err(not_found("answer"));
    }
    let opinion = opinion(request.json()?)?;
    let correlation_id = request.correlation_id().clone();
    let (store, user) = (caller.store.clone(), caller.identity.user.clone());
    request
        .once("feedback.give", &caller, |_| async move {
            let feedback = store.feedback().give(id, opinion, &user).await?;
            if feedback.correction_seq == Some(feedback.seq)
                && let Err(error) = retrain_if_due(&store, &correlation_id).await
            {
                // The feedback is kept, and the daily run retrains where this could not.
                tracing::warn!(cause = %error, "whether to retrain could not be found out");
            }
            Reply::ok(&feedback)
        })
        .await
}

/// What was said, with white space as uploads keep it and without what is personal.
fn opinion(new: NewFeedback) -> Result<Opinion, Problem> {
    let says_something = new.thumbs.is_some() || new.csat.is_some() || new.edited_reply.is_some();
    if !says_something && new.corrected_intent.is_none() {
        let detail = "say at least one of thumbs, csat, corrected_intent and edited_reply";
        return Err(invalid_field("/", "empty_feedback", detail));
    }
    if new.csat.is_some_and(|csat| !CSAT.contains(&csat)) {
        let detail = format!("must be a whole number from {} to {}", CSAT.start(), CSAT.end());
        return Err(invalid_field("/csat", "out_of_range", detail));
    }
    let corrected_intent = new.corrected_intent.as_deref().map(intent).transpose()?;
    if corrected_intent.is_some() != new.text.is_some() {
        return Err(match new.text {
            None => {
                let detail = "answers are not stored; send the message again with the intent that it really has";
                invalid_field("/text", "missing_text", detail)
            }
            Some(_) => invalid_field("/text", "unexpected_text", "send the message only with a corrected intent"),
        });
    }
    Ok(Opinion {
        thumbs: new.thumbs,
        csat: new.csat,
        corrected_intent,
        text: new.text.map(|text| words("/text", one_line(&text), MAX_MESSAGE_CHARS)).transpose()?.map(by_default),
        edited_reply: new
            .edited_reply
            .map(|reply| words("/edited_reply", reply.trim().to_owned(), MAX_REPLY_CHARS))
            .transpose()?
            .map(by_default),
    })
}

fn intent(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_INTENT_CHARS || name.chars().any(char::is_control) {
        let detail = format!("must be 1 to {MAX_INTENT_CHARS} characters without line breaks or control characters");
        return Err(invalid_field("/corrected_intent", "invalid_intent", detail));
    }
    Ok(name.to_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(field: &'static str, text: String, limit: usize) -> Result<String, Problem> {
    let chars = text.chars().count();
    if chars > limit {
        let detail = format!("has {chars} characters; at most {limit} are kept");
        return Err(invalid_field(field, "too_long", detail));
    }
    if text.is_empty() {
        return Err(invalid_field(field, "empty_text", "must hold words"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correction(intent: &str, text: Option<&str>) -> NewFeedback {
        NewFeedback { corrected_intent: Some(intent.into()), text: text.map(str::to_owned), ..NewFeedback::default() }
    }

    #[test]
    fn a_correction_is_kept_as_an_upload_would_keep_it() {
        let opinion = opinion(correction(" refund ", Some("  money\n\tback  please "))).unwrap();
        assert_eq!(opinion.corrected_intent.as_deref(), Some("refund"));
        assert_eq!(opinion.text.as_deref(), Some("money back please"));
    }

    #[test]
    fn feedback_that_says_nothing_or_the_impossible_is_refused_with_the_reason() {
        let long = "x".repeat(4001);
        let refusals = [
            (NewFeedback::default(), "empty_feedback"),
            (NewFeedback { text: Some("hi".into()), ..NewFeedback::default() }, "empty_feedback"),
            (NewFeedback { csat: Some(0), ..NewFeedback::default() }, "out_of_range"),
            (NewFeedback { csat: Some(6), ..NewFeedback::default() }, "out_of_range"),
            (NewFeedback { csat: Some(5), text: Some("hi".into()), ..NewFeedback::default() }, "unexpected_text"),
            (NewFeedback { edited_reply: Some(" \n".into()), ..NewFeedback::default() }, "empty_text"),
            (NewFeedback { edited_reply: Some(long.clone()), ..NewFeedback::default() }, "too_long"),
            (correction("refund", None), "missing_text"),
            (correction("refund", Some(" ")), "empty_text"),
            (correction("refund", Some(&long)), "too_long"),
            (correction(" ", Some("hi")), "invalid_intent"),
            (correction("re\nfund", Some("hi")), "invalid_intent"),
            (correction(&"é".repeat(101), Some("hi")), "invalid_intent"),
        ];
        for (new, code) in refusals {
            let said = format!("{new:?}");
            assert_eq!(opinion(new).unwrap_err().code(), code, "{said:.80}");
        }
        assert!(opinion(correction(&"é".repeat(100), Some("hi"))).is_ok());
    }
}
