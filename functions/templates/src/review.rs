//! Tells how a template could be written better.

use romashka_domain::template::{Format, Template};
use romashka_domain::{Permission, TemplateId};
use romashka_http::{Problem, Refusals, Reply, Request};
use romashka_liquid::Template as Liquid;
use romashka_writing::{Channel, Mood, Review, Situation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::seen::in_use;

/// A review of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateReview {
    /// The template.
    template_id: TemplateId,
    /// The version that was read.
    version: u64,
    /// What it says.
    #[serde(flatten)]
    review: Review,
}

/// Review a template: grammar, readability, tone, length, and parts that a reply should have.
///
/// Most findings have a rewrite, with the words before and after it; `POST …/review/apply` makes a new version with those that are
/// chosen. English, German, Spanish and Russian are reviewed, grammar and spelling in English; `notes` say what was not looked at.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}/review", operation_id = "templates.review", tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("channel" = Option<Channel>, Query, description = "Where replies go: an e-mail has a greeting and a closing formula."),
        ("mood" = Option<Mood>, Query, description = "How the customer feels: somebody who is upset is owed an apology."),
    ),
    responses((status = 200, description = "The review.", body = TemplateReview), Refusals)
)]
pub async fn review(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = in_use(&request, &caller).await?;
    let channel = request.query_choice("channel", "`email`, `chat` or `other`")?.unwrap_or_default();
    let mood = request.query_choice("mood", "`unknown`, `neutral` or `upset`")?.unwrap_or_default();
    let (_, review) = reviewed(&template, channel, mood)?;
    Ok(Reply::ok(&TemplateReview { template_id: template.id, version: template.version, review })?
        .etag(template.version))
}

/// The template as its language reads it, and its review.
pub fn reviewed(template: &Template, channel: Channel, mood: Mood) -> Result<(Liquid, Review), Problem> {
    let read = Liquid::parse(&template.content.source)
        .map_err(|_| Problem::internal("a template that is kept cannot be read any more"))?;
    let format = match template.content.format {
        Format::Text => romashka_writing::Format::Text,
        Format::Html => romashka_writing::Format::Html,
    };
    let situation = Situation { language: Some(&template.content.language), format, channel, mood };
    let review = romashka_writing::review(&read, &situation);
    Ok((read, review))
}

/// Reads the dictionary while the function starts, so that no request waits for it.
pub fn warm_up() {
    romashka_writing::warm_up();
}
