//! Notes what became of a use of a template.

use romashka_domain::template::effect::{MAX_CSAT, Outcome, WHOLE};
use romashka_domain::{Permission, TemplateUseId};
use romashka_http::{Problem, Refusals, Reply, Request, invalid, invalid_field, not_found};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::seen::seen;

/// Characters of a text that is compared.
const MAX_CHARS: usize = 20_000;
/// Words of a text that are compared: comparing takes as long as the numbers of both texts' words multiplied.
const MAX_WORDS: usize = 2_000;

/// What is known by now of what became of a use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOutcome {
    /// Whether the text went to the customer, or was discarded.
    #[serde(default)]
    sent: Option<bool>,
    /// The text as the template gave it, and as it went, to tell how much of it was changed. Neither is kept. At most 20,000 characters each.
    #[serde(default)]
    texts: Option<Texts>,
    /// How much of it was changed, in thousandths, where the texts are not to be sent here.
    #[serde(default)]
    #[schema(maximum = 1000)]
    edit_share: Option<u16>,
    /// Whether it resolved what the customer wanted.
    #[serde(default)]
    resolved: Option<bool>,
    /// How the customer graded the conversation, 1 to 5.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5)]
    csat: Option<u8>,
}

/// A text before and after somebody worked on it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// As the template gave it.
    rendered: String,
    /// As it went to the customer.
    sent: String,
}

/// Note what became of a use of a template: whether it was sent, how much it was changed, whether it helped.
///
/// What is left out stays as it was told before; telling the same again changes nothing.
#[utoipa::path(
    put, path = "/v1/templates/{template_id}/uses/{use_id}/outcome", operation_id = "templates.record_outcome", tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("use_id" = String, Path, format = "uuid", description = "The use.")
    ),
    request_body = NewOutcome,
    responses((status = 200, description = "All that is known of it.", body = Outcome), Refusals)
)]
pub async fn record_outcome(request: Request) -> Result<Reply, Problem> {
    const WHAT: &str = "template use";
    let caller = request.authorise(Permission::UseTemplates)?;
    let template = seen(&request, &caller).await?;
    let id: TemplateUseId = request.path_id("use_id", WHAT)?;
    let uses = caller.store.template_uses();
    let usage = uses.get(template.id, id).await?.ok_or_else(|| not_found(WHAT))?;
    let told = request.json::<NewOutcome>()?.check()?;
    Reply::ok(&uses.end(&usage, &told).await?)
}

impl NewOutcome {
    fn check(self) -> Result<Outcome, Problem> {
        let Self { sent, texts, edit_share, resolved, csat } = self;
        if csat.is_some_and(|grade| !(1..=MAX_CSAT).contains(&grade)) {
            return Err(invalid_field("/csat", "out_of_range", format!("must be a whole number from 1 to {MAX_CSAT}")));
        }
        if edit_share.is_some_and(|share| share > WHOLE) {
            return Err(invalid_field(
                "/edit_share",
                "out_of_range",
                format!("must be a whole number from 0 to {WHOLE}"),
            ));
        }
        let edit_share = match (edit_share, texts) {
            (Some(_), Some(_)) => {
                let detail = "comes with `texts`, from which it is computed; send one of them";
                return Err(invalid_field("/edit_share", "ambiguous", detail));
            }
            (share, None) => share,
            (None, Some(texts)) => Some(texts.edit_share()?),
        };
        let outcome = Outcome { sent, edit_share, resolved, csat };
        if outcome == Outcome::default() {
            return Err(invalid(
                "nothing_told",
                "tell at least one of `sent`, `texts`, `edit_share`, `resolved` and `csat`",
            ));
        }
        Ok(outcome)
    }
}

impl Texts {
    /// The words to put in, take out or replace, of the words of the longer text, in thousandths: Levenshtein's distance over words.
    fn edit_share(&self) -> Result<u16, Problem> {
        for (field, text) in [("/texts/rendered", &self.rendered), ("/texts/sent", &self.sent)] {
            if text.chars().count() > MAX_CHARS {
                let detail = format!(
                    "has more than the {MAX_CHARS} characters allowed; compare it yourself and send `edit_share`"
                );
                return Err(invalid_field(field, "too_long", detail));
            }
        }
        let words = |text: &'_ str| text.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect::<Vec<_>>();
        let (rendered, sent) = (words(&self.rendered), words(&self.sent));
        let longer = rendered.len().max(sent.len());
        if longer == 0 {
            return Ok(0);
        }
        let distance = strsim::generic_levenshtein(&rendered, &sent);
        Ok(u16::try_from(distance * usize::from(WHOLE) / longer).unwrap_or(WHOLE))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(outcome: Value) -> Result<Outcome, (String, String)> {
        let outcome: NewOutcome = serde_json::from_value(outcome).unwrap();
        outcome.check().map_err(|problem| {
            let body = problem.body("c");
            (body.field.unwrap_or_default(), body.code.to_owned())
        })
    }

    #[test]
    fn how_much_was_changed_is_counted_in_words() {
        let share = |rendered: &str, sent: &str| {
            told(json!({ "texts": { "rendered": rendered, "sent": sent } })).unwrap().edit_share
        };
        assert_eq!(share("your money is on its way", "your money is on its way"), Some(0));
        assert_eq!(share("your money is on its  way", "your refund is on its way"), Some(166));
        assert_eq!(share("", "hello"), Some(1_000));
        assert_eq!(share("", " "), Some(0));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_field() {
        let refused = |outcome| told(outcome).unwrap_err();
        assert_eq!(refused(json!({ "csat": 6 })), ("/csat".to_owned(), "out_of_range".to_owned()));
        assert_eq!(refused(json!({ "edit_share": 1001 })).0, "/edit_share");
        assert_eq!(refused(json!({})).1, "nothing_told");
        let both = json!({ "edit_share": 1, "texts": { "rendered": "", "sent": "" } });
        assert_eq!(refused(both).1, "ambiguous");
        let long = json!({ "texts": { "rendered": "x".repeat(MAX_CHARS + 1), "sent": "" } });
        assert_eq!(refused(long).0, "/texts/rendered");
    }
}
