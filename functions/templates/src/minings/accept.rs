//! Makes templates of what a mining proposes.

use romashka_domain::template::{Change, Origin, Visibility};
use romashka_domain::{MiningId, Permission, TeamId};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use serde::Deserialize;
use utoipa::ToSchema;

use super::get::named;
use super::proposals::{NumberedProposal, content, proposals};
use crate::bring_in::{Arrival, Arrived, BroughtIn, Existing, Head, Made, Manner, bring_in};

/// Proposals that are accepted in one request.
const MAX_ACCEPTED: usize = 100;

/// Which proposals are wanted, and who is to see them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Their numbers, 1 to 100 of them.
    #[schema(min_items = 1, max_items = 100)]
    numbers: Vec<usize>,
    /// The language of those whose language is not known, as a language tag such as `en`.
    #[serde(default)]
    language: Option<String>,
    /// Who sees them; only who accepts them where it is left out. What everybody sees is an admin's to publish.
    #[serde(default)]
    visibility: Option<Visibility>,
    /// The team that sees them, where a team does.
    #[serde(default)]
    team: Option<TeamId>,
}

/// Make templates of what a mining proposes.
///
/// They are drafts of who accepts them until they are shared. What was accepted before stays as it is now.
#[utoipa::path(
    post, path = "/v1/templates/minings/{mining_id}/accept", operation_id = "templates.accept_proposals",
    tag = "templates",
    params(("mining_id" = String, Path, format = "uuid", description = "The mining.")), request_body = Acceptance,
    responses((status = 200, description = "What became of each proposal.", body = Made), Refusals)
)]
pub async fn accept_proposals(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let mining = named(&request, &caller).await?;
    let Acceptance { numbers, language, visibility, team } = request.json()?;
    if !(1..=MAX_ACCEPTED).contains(&numbers.len()) {
        return Err(invalid_field("/numbers", "out_of_range", format!("name 1 to {MAX_ACCEPTED} proposals")));
    }
    let visibility = visibility.unwrap_or(Visibility::Private);
    let mut all: Vec<Option<NumberedProposal>> =
        proposals(&caller.store, &mining).await?.into_iter().map(Some).collect();
    let there = all.len();
    let (mut heads, mut arrivals, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (at, number) in numbers.into_iter().enumerate() {
        let field = format!("/numbers/{at}");
        let Some(place) = number.checked_sub(1).and_then(|index| all.get_mut(index)) else {
            let detail = format!("is no proposal of this mining; it has those from 1 to {there}");
            return Err(invalid_field(field, "unknown_proposal", detail));
        };
        let Some(NumberedProposal { proposal, .. }) = place.take() else {
            return Err(invalid_field(field, "named_twice", "is named twice; name it once"));
        };
        let Some(language) = proposal.language.clone().or_else(|| language.clone()) else {
            let detail = format!("must be given: the language of proposal {number} is not known");
            return Err(invalid_field("/language", "missing_language", detail));
        };
        let content = content(proposal, language, visibility, team.clone());
        heads.push(Head { key: number.to_string(), name: content.name.clone(), translated: Vec::new() });
        // One of which nothing can be made does not keep the others.
        if let Err(problem) = crate::content::check(&content) {
            ends.push(Some(BroughtIn::refused(problem, Vec::new())));
            continue;
        }
        ends.push(None);
        arrivals.push(Arrival {
            origin: mined(mining.id, number),
            id: None,
            content,
            says_who_sees: true,
            notes: Vec::new(),
        });
    }
    let manner = Manner { existing: Existing::Keep, is_rehearsal: false, reason: None };
    let mut brought_in = bring_in(&caller, arrivals, &manner).await?.into_iter();
    let ends = ends.into_iter().filter_map(|end| end.or_else(|| brought_in.next()));
    let templates: Vec<Arrived> = heads.into_iter().zip(ends).map(|(head, end)| end.told(&request, head)).collect();
    Reply::ok(&Made::from(templates))
}

/// A proposal, as the origin of a template.
fn mined(mining: MiningId, number: usize) -> Origin {
    Origin { change: Change::Mined, of: format!("minings/{mining}/{number}") }
}
