//! What a mining found, as it is kept and shown.

use romashka_domain::mining::{Mining, MiningState};
use romashka_domain::template::{Content, Format, MAX_NAME_CHARS, Visibility};
use romashka_domain::{MiningId, TeamId};
use romashka_http::{Problem, conflict};
use romashka_mining::{Mined, Proposal};
use romashka_store::objects::Object;
use romashka_store::{Error, TenantStore};
use serde::Serialize;
use utoipa::ToSchema;

use crate::slots::variable_of;

/// What a proposal stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Whole replies.
    Reply,
    /// Sentences in replies that no proposal covers as a whole.
    Passage,
}

/// A proposal of a mining.
#[derive(Debug, Serialize, ToSchema)]
pub struct NumberedProposal {
    /// Names it within its mining, from 1.
    pub number: usize,
    /// What it stands for.
    pub extent: Extent,
    /// What is proposed.
    #[serde(flatten)]
    pub proposal: Proposal,
}

/// Keeps what a mining found.
pub async fn keep(store: &TenantStore, id: MiningId, mined: &Mined) -> Result<(), Error> {
    let bytes = serde_json::to_vec(mined).map_err(|error| corrupt(&error))?;
    store.objects().put(&Object::Mined(id), bytes).await
}

/// The proposals of a mining: templates of whole replies, then passages, those that cover most first.
pub async fn proposals(store: &TenantStore, mining: &Mining) -> Result<Vec<NumberedProposal>, Problem> {
    if mining.state != MiningState::Completed {
        let detail = format!("the mining is {}; its proposals are there once it is completed", mining.state.name());
        return Err(conflict("mining_not_completed", detail));
    }
    let Some(bytes) = store.objects().get(&Object::Mined(mining.id)).await? else {
        return Err(conflict("proposals_gone", "the proposals are gone; they are kept for 90 days: mine again"));
    };
    let mined: Mined = serde_json::from_slice(&bytes).map_err(|error| corrupt(&error))?;
    let replies = mined.proposals.into_iter().map(|proposal| (Extent::Reply, proposal));
    let passages = mined.passages.into_iter().map(|proposal| (Extent::Passage, proposal));
    let numbered = (1..).zip(replies.chain(passages));
    Ok(numbered.map(|(number, (extent, proposal))| NumberedProposal { number, extent, proposal }).collect())
}

fn corrupt(error: &serde_json::Error) -> Error {
    Error::Corrupt { what: "list of proposals", why: format!("{:?}", error.classify()) }
}

/// The template that is made of a proposal, for these people.
pub fn content(proposal: Proposal, language: String, visibility: Visibility, team: Option<TeamId>) -> Content {
    let name: String = proposal.name.chars().filter(|char| !char.is_control()).take(MAX_NAME_CHARS).collect();
    Content {
        name: name.trim().to_owned(),
        source: proposal.source,
        format: Format::Text,
        language,
        category: Vec::new(),
        tags: Vec::new(),
        visibility,
        team,
        intents: Vec::new(),
        shortcut: None,
        variables: proposal.variables.into_iter().filter_map(variable_of).collect(),
    }
}

#[cfg(test)]
mod tests {
    use romashka_domain::template::VariableType;
    use romashka_mining::{Reply, Settings, mine};

    use super::*;

    fn mined(texts: &[String]) -> Mined {
        let reply = |(at, text): (usize, &String)| Reply {
            conversation: format!("c{at}"),
            text: text.clone(),
            language: Some("en".to_owned()),
            resolved: None,
        };
        let replies: Vec<Reply> = texts.iter().enumerate().map(reply).collect();
        mine(&replies, &Settings::default()).unwrap()
    }

    #[test]
    fn a_proposal_becomes_a_template_with_typed_variables() {
        let text = |at: usize| {
            let (order, cents, day) = (1000 + at, at * 7 % 100, at % 28 + 1);
            format!("Hello! Your order AB-{order}, worth {at}.{cents:02}, leaves our house on 2026-05-{day:02}.")
        };
        let texts: Vec<String> = (10..40).map(text).collect();
        let mut proposals = mined(&texts).proposals;
        let content = content(proposals.remove(0), "en".to_owned(), Visibility::Private, None);
        content.check().unwrap();
        let kinds: Vec<_> = content.variables.iter().map(|variable| variable.kind).collect();
        for kind in [VariableType::Text, VariableType::Number, VariableType::Date] {
            assert!(kinds.contains(&kind), "{kind:?} in {:?}: {}", content.variables, content.source);
        }
        let read = romashka_liquid::Template::parse(&content.source).unwrap();
        let mut defined: Vec<&str> = content.variables.iter().map(|variable| &*variable.name).collect();
        defined.sort_unstable();
        assert_eq!(read.variables().iter().map(|used| used.name.to_string()).collect::<Vec<_>>(), defined);
    }

    #[test]
    fn what_is_kept_is_read_back_as_it_was() {
        let texts: Vec<String> =
            (0..9).map(|at| format!("Thank you for waiting, your parcel number {} left us.", 71_200 + at)).collect();
        let mined = mined(&texts);
        let bytes = serde_json::to_vec(&mined).unwrap();
        assert!(!mined.proposals.is_empty());
        assert_eq!(serde_json::from_slice::<Mined>(&bytes).unwrap(), mined);
    }
}
