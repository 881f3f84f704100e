//! Makes templates of starters.

use romashka_domain::template::Visibility;
use romashka_domain::{Permission, TeamId};
use romashka_http::{Problem, Refusals, Reply, Request, invalid_field};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::bring_in::{Arrival, Arrived, Existing, Head, Made, Manner, bring_in, installed};
use crate::starters::{Starter, all, language};

/// Which starters are wanted, and who is to see them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// In which language: `en`, `de`, `es` or `ru`.
    language: String,
    /// Only these; all of the language where it is left out.
    #[serde(default)]
    #[schema(max_items = 100)]
    keys: Option<Vec<String>>,
    /// Who sees them; only who installs them where it is left out. What everybody sees is an admin's to publish.
    #[serde(default)]
    visibility: Option<Visibility>,
    /// The team that sees them, where a team does.
    #[serde(default)]
    team: Option<TeamId>,
}

/// Make templates of the starters of a language.
///
/// They are the tenant's own from then on. What was installed before stays as it is now.
#[utoipa::path(
    post, path = "/v1/templates/starters/install", operation_id = "templates.install_starters", tag = "templates",
    request_body = Installation,
    responses((status = 200, description = "What became of each starter.", body = Made), Refusals)
)]
pub async fn install_starters(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::WriteTemplates)?;
    let Installation { language: asked, keys, visibility, team } = request.json()?;
    let language = language(&asked)?;
    let of_language = all()?.iter().filter(|starter| starter.language == language);
    let wanted: Vec<&Starter> = match &keys {
        None => of_language.collect(),
        Some(keys) => {
            let known: Vec<_> = of_language.collect();
            let find = |(place, key): (usize, &String)| {
                known.iter().find(|starter| starter.key == key).copied().ok_or_else(|| {
                    let detail = "is no starter; `GET /v1/templates/starters` lists them";
                    invalid_field(format!("/keys/{place}"), "unknown_starter", detail)
                })
            };
            keys.iter().enumerate().map(find).collect::<Result<_, _>>()?
        }
    };
    let visibility = visibility.unwrap_or(Visibility::Private);
    let arrivals = wanted.iter().map(|starter| Arrival {
        origin: installed(language, starter.key),
        id: None,
        content: starter.content(visibility, team.clone()),
        says_who_sees: true,
        notes: Vec::new(),
    });
    let arrivals: Vec<Arrival> = arrivals.collect();
    for arrival in &arrivals {
        arrival.content.check()?;
    }
    let manner = Manner { existing: Existing::Keep, is_rehearsal: false, reason: None };
    let brought_in = bring_in(&caller, arrivals, &manner).await?;
    let heads = wanted.iter().map(|starter| Head {
        key: starter.key.to_owned(),
        name: starter.name.to_owned(),
        translated: Vec::new(),
    });
    let templates: Vec<Arrived> = heads.zip(brought_in).map(|(head, end)| end.told(&request, head)).collect();
    Reply::ok(&Made::from(templates))
}
