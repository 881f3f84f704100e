//! Notes that a template was used.

use romashka_domain::template::usage::{MAX_RANK, TemplateUse, UsedFor, Via};
use romashka_domain::{Permission, TemplateUseId};
use romashka_http::{IdempotencyKey, Problem, Refusals, Reply, Request, invalid_field};
use romashka_store::template_uses::KeptUse;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::conversation::{Asked, ConversationMessage};
use crate::known::encoder;
use crate::seen::in_use;

/// A use of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUse {
    /// How the caller came to it.
    via: Via,
    /// The place where it stood in what was suggested or found, 1 to 100.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    rank: Option<u32>,
    /// The conversation that it was used in, at most its last 50 messages. From it is learnt what to suggest the template for; the
    /// words are not kept.
    #[serde(default)]
    #[schema(max_items = 50)]
    messages: Vec<ConversationMessage>,
}

/// Note that the caller uses a template.
///
/// It then is among what the caller used lately and, where the conversation is sent with it, is suggested for messages like it.
#[utoipa::path(
    post, path = "/v1/templates/{template_id}/uses", operation_id = "templates.use", tag = "templates",
    params(("template_id" = String, Path, format = "uuid", description = "The template."), IdempotencyKey),
    request_body = NewUse,
    responses((status = 201, description = "The use.", body = TemplateUse), Refusals)
)]
pub async fn record_use(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::UseTemplates)?;
    let template = in_use(&request, &caller).await?;
    let NewUse { via, rank, messages } = request.json()?;
    if rank.is_some_and(|rank| !(1..=MAX_RANK).contains(&rank)) {
        return Err(invalid_field("/rank", "out_of_range", format!("must be a whole number from 1 to {MAX_RANK}")));
    }
    let asked = if messages.is_empty() { None } else { Some(Asked::of(messages)?) };
    let used_for = match (asked, encoder()?) {
        (Some(asked), Some(encoder)) => {
            Some(UsedFor::new(asked.hash(), encoder.id().to_owned(), &asked.meaning(encoder)))
        }
        _ => None,
    };
    request
        .once("templates.use", &caller, async |id| {
            let usage = TemplateUse {
                id: TemplateUseId::new(id),
                template_id: template.id,
                version: template.version,
                via,
                rank,
                by: caller.identity.user.clone(),
                at: caller.store.now(),
            };
            let kept = KeptUse { usage, used_for };
            caller.store.template_uses().record(&kept).await?;
            Reply::created(&format!("/v1/templates/{}/uses/{}", template.id, kept.usage.id), &kept.usage)
        })
        .await
}
