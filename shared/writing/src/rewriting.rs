//! A template with some of its findings acted upon.

use romashka_liquid::Template;

use crate::Review;
use crate::finding::{Finding, FindingId, Rewrite};

/// Why rewrites were not applied. The template stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The review has no such finding: the template may have been changed since.
    #[error("the review has no finding {0}; review the template again")]
    Unknown(FindingId),
    /// There is nothing to apply.
    #[error("finding {0} is a hint without a rewrite; it must be acted upon by hand")]
    OnlyHint(FindingId),
    /// Other words stand where the rewrite belongs.
    #[error("finding {0} is about another version of the template; review the template again")]
    Stale(FindingId),
    /// Two rewrites are about the same words.
    #[error("findings {first} and {second} rewrite the same words; choose one of them")]
    Overlap {
        /// The one that begins first.
        first: FindingId,
        /// The other one.
        second: FindingId,
    },
    /// What comes of it is no template any more.
    #[error("the rewritten template cannot be read: {0}")]
    Unreadable(String),
    /// What comes of it needs other variables.
    #[error("the rewritten template would not use the same variables")]
    OtherVariables,
}

/// The source of a template after the rewrites of some findings of its review. A finding that is named twice is applied
/// once.
///
/// What comes of it can be read, uses the same variables, and differs from the source nowhere but in the words that
/// were rewritten.
///
/// # Errors
///
/// A finding is unknown, has no rewrite, is about other words than those of the template, or overlaps another one.
pub fn apply(template: &Template, review: &Review, ids: &[FindingId]) -> Result<String, ApplyError> {
    let source = template.source();
    let mut chosen: Vec<(&Finding, &Rewrite)> = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        if ids[..at].contains(id) {
            continue;
        }
        let finding = review.findings.iter().find(|finding| finding.id == *id);
        let finding = finding.ok_or_else(|| ApplyError::Unknown(id.clone()))?;
        let rewrite = finding.rewrite.as_ref().ok_or_else(|| ApplyError::OnlyHint(id.clone()))?;
        if source.get(rewrite.start..rewrite.end) != Some(rewrite.words.as_str()) {
            return Err(ApplyError::Stale(id.clone()));
        }
        chosen.push((finding, rewrite));
    }
    let order = |finding: &Finding| review.findings.iter().position(|one| one.id == finding.id);
    chosen.sort_by_key(|(finding, rewrite)| (rewrite.start, rewrite.end, order(finding)));

    let mut written = String::with_capacity(source.len());
    let mut from = 0;
    for (at, (finding, rewrite)) in chosen.iter().enumerate() {
        if rewrite.start < from {
            let first = chosen[at - 1].0.id.clone();
            return Err(ApplyError::Overlap { first, second: finding.id.clone() });
        }
        written.push_str(&source[from..rewrite.start]);
        written.push_str(&rewrite.replacement);
        from = rewrite.end;
    }
    written.push_str(&source[from..]);

    let rewritten = Template::parse(&written)
        .map_err(|problems| ApplyError::Unreadable(problems.first().map(ToString::to_string).unwrap_or_default()))?;
    let names = |template: &Template| -> Vec<String> {
        template.variables().into_iter().map(|variable| variable.name).collect()
    };
    if names(&rewritten) != names(template) {
        return Err(ApplyError::OtherVariables);
    }
    Ok(written)
}
