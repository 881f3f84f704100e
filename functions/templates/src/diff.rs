//! What two versions of a template do not share, word by word.

use std::time::Duration;

use romashka_domain::Permission;
use romashka_http::{Problem, Refusals, Reply, Request};
use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

use crate::seen::{differing, seen};
use crate::versions::version;

/// How long the shortest difference is looked for before a longer one will do.
const PATIENCE: Duration = Duration::from_millis(500);

/// What two versions do not share.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateDiff {
    /// The earlier version.
    from: u64,
    /// The later one.
    to: u64,
    /// The source, in runs of words that were kept, deleted or inserted; together they are both sources.
    source: Vec<Run>,
    /// The other fields that are not the same.
    fields: Vec<FieldChange>,
}

/// Words that went the same way.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    /// Which way.
    change: RunChange,
    /// The words, with the white space between them.
    text: String,
}

/// What became of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunChange {
    /// They are in both.
    Equal,
    /// They are in the earlier one only.
    Delete,
    /// They are in the later one only.
    Insert,
}

/// A field that is not the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    /// Its name.
    field: String,
    /// What it was; `null` where it was not there.
    #[schema(value_type = Object)]
    before: Value,
    /// What it became.
    #[schema(value_type = Object)]
    after: Value,
}

/// Compare two versions of a template, word by word.
#[utoipa::path(
    get, path = "/v1/templates/{template_id}/diff", operation_id = "templates.diff", tag = "templates",
    params(
        ("template_id" = String, Path, format = "uuid", description = "The template."),
        ("from" = Option<u64>, Query, description = "The earlier version; the one before the later where it is left out."),
        ("to" = Option<u64>, Query, description = "The later version; the present one where it is left out."),
    ),
    responses((status = 200, description = "What they do not share.", body = TemplateDiff), Refusals)
)]
pub async fn diff_versions(request: Request) -> Result<Reply, Problem> {
    let caller = request.authorise(Permission::ReadTemplates)?;
    let template = seen(&request, &caller).await?;
    let to = request.query_number("to")?.unwrap_or(template.version);
    let from = request.query_number("from")?.unwrap_or(to.saturating_sub(1).max(1));
    let (earlier, later) = (version(&caller, &template, from).await?, version(&caller, &template, to).await?);
    let content = |version: &romashka_domain::template::TemplateVersion| {
        serde_json::to_value(&version.content).map_err(Problem::internal)
    };
    let (before, after) = (content(&earlier)?, content(&later)?);
    let fields = differing(&before, &after).into_iter().filter(|field| field != "source").map(|field| FieldChange {
        before: before.get(&field).cloned().unwrap_or_default(),
        after: after.get(&field).cloned().unwrap_or_default(),
        field,
    });
    let diff = TemplateDiff {
        from,
        to,
        source: runs(&earlier.content.source, &later.content.source),
        fields: fields.collect(),
    };
    Reply::ok(&diff)
}

fn runs(earlier: &str, later: &str) -> Vec<Run> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_unicode_words(earlier, later);
    let mut runs: Vec<Run> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => RunChange::Equal,
            ChangeTag::Delete => RunChange::Delete,
            ChangeTag::Insert => RunChange::Insert,
        };
        match runs.last_mut().filter(|run| run.change == kind) {
            Some(run) => run.text.push_str(change.value()),
            None => runs.push(Run { change: kind, text: change.value().to_owned() }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_compared_and_not_letters() {
        let shown: Vec<_> = runs("Hello {{ name }}, thank you.", "Hello {{ customer.name }}, many thanks.")
            .into_iter()
            .map(|run| match run.change {
                RunChange::Equal => run.text,
                RunChange::Delete => format!("[-{}-]", run.text),
                RunChange::Insert => format!("[+{}+]", run.text),
            })
            .collect();
        assert_eq!(shown.concat(), "Hello {{ [-name-][+customer.name+] }}, [-thank-][+many+] [-you-][+thanks+].");
    }

    proptest! {
        #[test]
        fn both_sources_are_in_it(earlier in ".{0,80}", later in ".{0,80}") {
            let runs = runs(&earlier, &later);
            let without = |change: RunChange| runs.iter().filter(|run| run.change != change).map(|run| &*run.text).collect::<String>();
            prop_assert_eq!(without(RunChange::Insert), earlier);
            prop_assert_eq!(without(RunChange::Delete), later);
        }
    }
}
