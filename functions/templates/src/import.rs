//! Makes templates of a file.

use romashka_domain::Permission;
use romashka_domain::template::Visibility;
use romashka_http::{Problem, Refusals, Reply, Request, invalid, invalid_field};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::bring_in::{Arrival, Arrived, BroughtIn, Ending, Existing, Head, Manner, bring_in, count, imported};
use crate::interchange::{Becomes, Found, LAYOUTS, Layout, defaults, read};

/// Characters of a parameter.
const MAX_CHARS: usize = 64;

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Import {
    /// Whether nothing was written.
    dry_run: bool,
    /// How the file is laid out.
    layout: Layout,
    /// How many templates were made.
    created: usize,
    /// How many were there and were changed.
    updated: usize,
    /// How many were there as they should be, or were to be kept.
    unchanged: usize,
    /// Of how many nothing was to be made.
    skipped: usize,
    /// Of how many nothing could be made.
    refused: usize,
    /// Each of them, in the order of the file.
    templates: Vec<Arrived>,
}

/// Make templates of a file: a table, a JSON document, or what Zendesk, Chatwoot or Zammad exports.
///
/// The file is the body, up to 4 MiB with at most 500 templates. Placeholders get the names that they have here; what has none is
/// told with its template. The same file again changes nothing, and a changed one changes what it made.
#[utoipa::path(
    post, path = "/v1/templates/import", operation_id = "templates.import", tag = "templates",
    params(
        ("layout" = Option<Layout>, Query, description = "How the file is laid out; seen from the file where it is left out."),
        ("language" = Option<String>, Query, description = "The language of what does not say its own; `en` where it is left out."),
        ("visibility" = Option<Visibility>, Query, description = "Who sees what does not say it; only the caller where it is left out."),
        ("team" = Option<String>, Query, description = "The team that sees it, where a team does."),
        ("existing" = Option<Existing>, Query, description = "What is done with templates that are there already; they are updated where it is left out."),
        ("dry_run" = Option<bool>, Query, description = "Only tell what would be done."),
    ),
    request_body(content = String, content_type = "application/octet-stream", description = "The file."),
    responses((status = 200, description = "What became of each template.", body = Import), Refusals)
)]
pub async fn import(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let layout = request.query_choice("layout", LAYOUTS)?;
    let visibility: Option<Visibility> = request.query_choice("visibility", "`private`, `team` or `everyone`")?;
    let (language, team) = (request.query_text("language", MAX_CHARS)?, request.query_text("team", MAX_CHARS)?);
    if visibility == Some(Visibility::Team) && team.is_none() {
        return Err(invalid_field("team", "missing_parameter", "say which team sees the templates"));
    }
    let manner = Manner {
        existing: request.query_choice("existing", "`update` or `keep`")?.unwrap_or(Existing::Update),
        is_rehearsal: request.query_flag("dry_run")?,
        reason: None,
    };
    let defaults = defaults(language, visibility.map(|visibility| json!(visibility)).as_ref(), team);
    arrived_whole(&request)?;
    let file = read(request.body(), layout, &defaults)?;
    let layout = json!(file.layout).as_str().unwrap_or_default().to_owned();
    let mut heads = Vec::new();
    let mut ends = Vec::new();
    let mut arrivals = Vec::new();
    for Found { key, id, name, becomes, translated, notes } in file.templates {
        ends.push(match becomes {
            Becomes::Nothing => Some(BroughtIn::skipped(notes)),
            Becomes::Refused(problem) => Some(BroughtIn::refused(problem, notes)),
            Becomes::Content { content, says_who_sees } => {
                arrivals.push(Arrival { origin: imported(&layout, &key), id, content: *content, says_who_sees, notes });
                None
            }
        });
        heads.push(Head { key, name, translated });
    }
    let mut brought_in = bring_in(&caller, arrivals, &manner).await?.into_iter();
    let ends = ends.into_iter().map_while(|end| end.or_else(|| brought_in.next()));
    let templates: Vec<Arrived> = heads.into_iter().zip(ends).map(|(head, end)| end.told(&request, head)).collect();
    let count = |ending| count(&templates, ending);
    Reply::ok(&Import {
        dry_run: manner.is_rehearsal,
        layout: file.layout,
        created: count(Ending::Created),
        updated: count(Ending::Updated),
        unchanged: count(Ending::Unchanged),
        skipped: count(Ending::Skipped),
        refused: count(Ending::Refused),
        templates,
    })
}

/// API Gateway passes on the body of a request that says it is text as UTF-8, with U+FFFD in the place of what is not.
fn arrived_whole(request: &Request) -> Result<(), Problem> {
    let kind = request.header("content-type").unwrap_or_default().to_lowercase();
    let is_bytes = kind.starts_with("application/octet-stream");
    if !is_bytes && String::from_utf8_lossy(request.body()).contains(char::REPLACEMENT_CHARACTER) {
        let detail = "letters were lost on the way; send the file as `content-type: application/octet-stream`, so that its bytes arrive as they are";
        return Err(invalid("damaged_text", detail));
    }
    Ok(())
}
