//! Makes a new version of a template with some rewrites of its review.

use std::collections::BTreeSet;

use romashka_domain::Permission;
use romashka_domain::template::Template;
use romashka_http::{IfMatch, Problem, Refusals, Reply, Request, conflict, invalid_field};
use romashka_writing::{ApplyError, Channel, FindingId, MAX_FINDINGS, Mood, apply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::review::reviewed;
use crate::seen::{author, changeable, may_publish, write};

/// Which findings are to be acted upon.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The ids of findings that have a rewrite, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    findings: Vec<String>,
    /// The channel that was asked for with the review.
    #[serde(default)]
    channel: Channel,
    /// The mood that was asked for with the review.
    #[serde(default)]
    mood: Mood,
    /// Why, up to 500 characters; the rules of the findings where it is left out.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// Only tell what would come of it.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rewritten {
    /// The source before.
    before: String,
    /// The source after.
    after: String,
    /// The template as it is now.
    template: Template,
}

/// Make a new version of a template with some of the rewrites that its review offers.
///
/// The version says which rules were followed. With `dry_run` nothing changes, and `after` shows what would.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/review/apply", operation_id = "templates.apply_review", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IfMatch),
    request_body = Choice,
    responses((status = 200, description = "Before, after, and the template as it is now.", body = Rewritten), Refusals)
)]
pub async fn apply_review(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let before = changeable(&request, &caller).await?;
    let Choice { findings, channel, mood, reason, dry_run } = request.json()?;
    if !(1..=MAX_FINDINGS).contains(&findings.len()) {
        return Err(invalid_field("/findings", "out_of_range", format!("name 1 to {MAX_FINDINGS} findings")));
    }
    let reason = crate::content::reason(reason)?;
    let (read, review) = reviewed(&before, channel, mood)?;
    let chosen: Vec<FindingId> = findings.iter().map(|id| FindingId::from(&**id)).collect();
    let after = apply(&read, &review, &chosen).map_err(|error| refused(&error, &chosen))?;
    let template = if dry_run {
        before.clone()
    } else {
        let rules: BTreeSet<&str> = review
            .findings
            .iter()
            .filter(|finding| chosen.contains(&finding.id))
            .map(|finding| finding.rule.name())
            .collect();
        let why = reason.unwrap_or_else(|| format!("review: {}", rules.into_iter().collect::<Vec<_>>().join(", ")));
        let mut content = before.content.clone();
        content.source.clone_from(&after);
        may_publish(&caller, &content)?;
        write(&caller, Some(&before), before.edit(content, author(&caller, Some(why)))).await?
    };
    let version = template.version;
    Ok(Reply::ok(&Rewritten { before: before.content.source, after, template })?.etag(version))
}

fn refused(error: &ApplyError, chosen: &[FindingId]) -> Problem {
    let field = |id: &FindingId| {
        let place = chosen.iter().position(|chosen| chosen == id);
        place.map_or_else(|| "/findings".to_owned(), |place| format!("/findings/{place}"))
    };
    match error {
        ApplyError::Unknown(id) => {
            let detail = "is no finding of this template, channel and mood as they are; review it again";
            invalid_field(field(id), "unknown_finding", detail)
        }
        ApplyError::OnlyHint(id) => {
            invalid_field(field(id), "only_a_hint", "has no rewrite; change the template by hand")
        }
        ApplyError::Stale(_) | ApplyError::Overlap { .. } | ApplyError::OtherVariables | ApplyError::Unreadable(_) => {
            conflict("not_applicable", error.to_string())
        }
    }
}
