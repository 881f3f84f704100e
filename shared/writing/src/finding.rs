//! What is found in a template, and what may be done about it.

use std::cmp::Reverse;
use std::fmt;

use romashka_liquid::{MAX_SOURCE_BYTES, Piece, Place, Span, Template};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::MAX_FINDINGS;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WritingRule)]
pub enum Rule {
    /// It begins without a greeting.
    MissingGreeting,
    /// It answers an upset customer, and does not say sorry.
    MissingApology,
    /// It does not say what happens next, or what the customer can do.
    MissingNextStep,
    /// It ends without a closing formula.
    MissingClosing,
    /// It puts the blame on the customer.
    Blaming,
    /// It sends the customer away.
    Dismissive,
    /// It says what is not possible, and no more.
    Negative,
    /// It is written in the words of the team, not of the customer.
    Jargon,
    /// It hides who does something.
    Passive,
    /// It takes many words for few.
    WordyPhrase,
    /// It is against the grammar.
    Grammar,
    /// A word is not known.
    Spelling,
    /// Capital letters or exclamation marks raise the voice.
    Shouting,
    /// A sentence is long.
    LongSentence,
    /// The whole is long for its channel.
    Length,
    /// The whole is hard to read.
    Readability,
}

impl Rule {
    /// Those that the table of phrases may name.
    pub(crate) const OF_PHRASES: [Self; 7] = [
        Self::WordyPhrase,
        Self::Blaming,
        Self::Dismissive,
        Self::Negative,
        Self::Jargon,
        Self::Passive,
        Self::Grammar,
    ];

    /// Its name, as it is serialised.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingGreeting => "missing_greeting",
            Self::MissingApology => "missing_apology",
            Self::MissingNextStep => "missing_next_step",
            Self::MissingClosing => "missing_closing",
            Self::Blaming => "blaming",
            Self::Dismissive => "dismissive",
            Self::Negative => "negative",
            Self::Jargon => "jargon",
            Self::Passive => "passive",
            Self::WordyPhrase => "wordy_phrase",
            Self::Grammar => "grammar",
            Self::Spelling => "spelling",
            Self::Shouting => "shouting",
            Self::LongSentence => "long_sentence",
            Self::Length => "length",
            Self::Readability => "readability",
        }
    }

    pub(crate) fn of_phrase(name: &str) -> Option<Self> {
        Self::OF_PHRASES.into_iter().find(|rule| rule.name() == name)
    }
}

/// Names a finding: a digest of its rule, its place and its replacement. The same template in the same situation has
/// the same findings with the same names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = WritingFindingId)]
pub struct FindingId(String);

impl FindingId {
    fn of(rule: Rule, span: Span, replacement: Option<&str>) -> Self {
        let mut digest = Sha256::new();
        digest.update(rule.name());
        digest.update([0]);
        digest.update(span.start.to_be_bytes());
        digest.update(span.end.to_be_bytes());
        digest.update([u8::from(replacement.is_some())]);
        digest.update(replacement.unwrap_or_default());
        Self(digest.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl From<&str> for FindingId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that could be better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WritingFinding)]
pub struct Finding {
    /// Names it.
    pub id: FindingId,
    /// What it is about.
    pub rule: Rule,
    /// What it is, in a sentence.
    pub message: String,
    /// Where it begins.
    pub place: Place,
    /// What stands there now, with some words around it.
    pub before: String,
    /// The same after the rewrite, if there is one.
    pub after: Option<String>,
    /// What may be put there.
    pub rewrite: Option<Rewrite>,
    /// Without a rewrite: what a person may do about it.
    pub hint: Option<String>,
}

/// What is put in the place of some words of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rewrite {
    /// The first byte of the words in the source.
    pub start: usize,
    /// The byte after their last; the same as `start` where something is put in.
    pub end: usize,
    /// The words as they are.
    pub words: String,
    /// What comes in their place.
    pub replacement: String,
}

/// A finding before it is known whether it can be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) rule: Rule,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) remedy: Remedy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    Rewrite(String),
    Hint(String),
}

impl Draft {
    /// Keeps to words: what would be markup in HTML, or a paragraph of its own, is left to a person.
    pub(crate) fn without_markup(&mut self) {
        if let Some(replacement) = self.replacement()
            && replacement.contains(['<', '>', '&', '\n'])
        {
            self.remedy = Remedy::Hint(format!("put it in where it fits: “{}”", replacement.trim()));
        }
    }

    fn replacement(&self) -> Option<&str> {
        match &self.remedy {
            Remedy::Rewrite(replacement) => Some(replacement),
            Remedy::Hint(_) => None,
        }
    }
}

/// The findings that are shown, in the order of the source, and how many are left out. Rewrites among them never
/// overlap: of two that do, the one whose rule comes first stays.
pub(crate) fn findings(template: &Template, mut drafts: Vec<Draft>) -> (Vec<Finding>, usize) {
    let source = template.source();
    let grounds = Grounds::of(template);
    let mut growth = 0;
    for draft in &mut drafts {
        if let Some(replacement) = draft.replacement()
            && let Some(why) = grounds.refuse(source, draft.span, replacement)
        {
            draft.remedy = Remedy::Hint(why.to_owned());
        }
    }
    drafts.sort_by_key(|draft| (draft.rule, draft.span.start, Reverse(draft.span.end)));
    drafts.dedup_by(|one, before| one.rule == before.rule && one.span == before.span);
    let mut taken: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    drafts.retain_mut(|draft| {
        let Some(replacement) = draft.replacement() else { return true };
        let (span, grows) = (draft.span, replacement.len().saturating_sub(draft.span.end - draft.span.start));
        if overlaps(&taken, span) {
            return false;
        }
        if source.len() + growth + grows > MAX_SOURCE_BYTES {
            draft.remedy = Remedy::Hint("the template is too long to take more words".to_owned());
            return true;
        }
        growth += grows;
        if span.start < span.end {
            taken.insert(span.start, span.end);
        }
        true
    });
    let left_out = drafts.len().saturating_sub(MAX_FINDINGS);
    drafts.truncate(MAX_FINDINGS);
    // Stable: what is put in at one place keeps the order of the rules.
    drafts.sort_by_key(|draft| (draft.span.start, draft.span.end));
    (drafts.into_iter().map(|draft| finding(source, draft)).collect(), left_out)
}

fn overlaps(taken: &std::collections::BTreeMap<usize, usize>, span: Span) -> bool {
    let before = taken.range(..span.end.max(span.start + usize::from(span.start == span.end))).next_back();
    before.is_some_and(|(start, end)| {
        if span.start == span.end { *start < span.start && span.start < *end } else { span.start < *end }
    })
}

fn finding(source: &str, draft: Draft) -> Finding {
    let Draft { rule, span, message, remedy } = draft;
    let (rewrite, hint) = match remedy {
        Remedy::Rewrite(replacement) => {
            let words = span.of(source).to_owned();
            (Some(Rewrite { start: span.start, end: span.end, words, replacement }), None)
        }
        Remedy::Hint(why) => (None, Some(why)),
    };
    let replacement = rewrite.as_ref().map(|rewrite| rewrite.replacement.as_str());
    Finding {
        id: FindingId::of(rule, span, replacement),
        rule,
        message,
        place: Place::of(source, span.start),
        before: excerpt(source, span, span.of(source)),
        after: replacement.map(|replacement| excerpt(source, span, replacement)),
        rewrite,
        hint,
    }
}

/// Characters around what an excerpt is about, on either side.
const AROUND: usize = 30;
/// Characters of what it is about.
const MOST_INSIDE: usize = 300;

fn excerpt(source: &str, span: Span, inside: &str) -> String {
    let before = &source[..span.start];
    let start = before.char_indices().rev().take(AROUND).last().map_or(before.len(), |(at, _)| at);
    let after = &source[span.end..];
    let end = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let mut text = String::new();
    text.push_str(if start > 0 { "…" } else { "" });
    text.push_str(&before[start..]);
    match inside.char_indices().nth(MOST_INSIDE) {
        Some((at, _)) => {
            text.push_str(&inside[..at]);
            text.push('…');
        }
        None => {
            text.push_str(inside);
            text.push_str(&after[..end]);
            text.push_str(if end < after.len() { "…" } else { "" });
        }
    }
    text
}

/// Where rewriting is safe: whatever is put there, the markup around stays what it is.
struct Grounds {
    /// The template's own words, ascending, and whether there is a brace among them.
    texts: Vec<(Span, bool)>,
    /// A quote in the markup has no partner there, so that quotes in the words may count for it.
    has_stray_quote: bool,
}

impl Grounds {
    fn of(template: &Template) -> Self {
        let mut texts = Vec::new();
        spans(&template.pieces(), &mut texts);
        texts.sort_unstable();
        let source = template.source();
        let mut has_stray_quote = false;
        let mut from = 0;
        for span in &texts {
            has_stray_quote = has_stray_quote || strays(source.get(from..span.start).unwrap_or_default());
            from = span.end;
        }
        has_stray_quote = has_stray_quote || strays(&source[from..]);
        let texts = texts.into_iter().map(|span| (span, span.of(source).contains('{'))).collect();
        Self { texts, has_stray_quote }
    }

    /// Why a rewrite is not offered.
    fn refuse(&self, source: &str, span: Span, replacement: &str) -> Option<&'static str> {
        if self.has_stray_quote {
            return Some("a quote in the markup has no partner, so changing the words could change the markup");
        }
        if replacement.contains('{') {
            return Some("the words would look like markup");
        }
        if span.start == span.end {
            let (before, after) = (&source[..span.start], &source[span.start..]);
            let trims = before.trim_end().ends_with("-%}")
                || before.trim_end().ends_with("-}}")
                || after.trim_start().starts_with("{%-")
                || after.trim_start().starts_with("{{-");
            let is_trimmed = trims && (replacement.starts_with('\n') || replacement.ends_with(char::is_whitespace));
            return is_trimmed.then_some("the markup beside it takes white space away; put it in by hand");
        }
        let at = self.texts.partition_point(|(text, _)| text.end <= span.start);
        match self.texts.get(at) {
            Some((text, false)) if text.start <= span.start && span.end <= text.end => None,
            Some((text, true)) if text.start <= span.start && span.end <= text.end => {
                Some("there are braces in these words, and changing them could make markup of them")
            }
            _ => Some("markup stands between the words; change them by hand"),
        }
    }
}

fn spans(pieces: &[Piece], texts: &mut Vec<Span>) {
    for piece in pieces {
        match piece {
            Piece::Text(span) => texts.push(*span),
            Piece::Value { .. } => {}
            Piece::Choice(parts) => parts.iter().for_each(|part| spans(part, texts)),
            Piece::Loop(body) | Piece::Aside(body) => spans(body, texts),
        }
    }
}

/// Whether a stretch of markup has a quote that does not close on its line. What comments hold does not count.
fn strays(markup: &str) -> bool {
    let mut rest = markup;
    while let Some(at) = rest.find(['"', '\'', '{']) {
        let quote = rest[at..].chars().next().unwrap_or_default();
        let after = &rest[at + 1..];
        if quote == '{' {
            let tag = after.strip_prefix('%').map(|tag| tag.trim_start_matches('-').trim_start());
            let comment = tag
                .filter(|tag| tag.starts_with("comment"))
                .and_then(|tag| tag.find("endcomment").map(|end| &tag[end..]));
            rest = comment.unwrap_or(after);
            continue;
        }
        let line = after.split('\n').next().unwrap_or_default();
        match line.find(quote) {
            Some(length) => rest = &after[length + 1..],
            None => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(source: &str, words: &str, replacement: &str) -> Option<String> {
        let template = Template::parse(source).unwrap();
        let start = source.find(words).unwrap();
        let span = Span::new(start, start + words.len());
        let draft = Draft {
            rule: Rule::WordyPhrase,
            span,
            message: String::new(),
            remedy: Remedy::Rewrite(replacement.to_owned()),
        };
        let finding = findings(&template, vec![draft]).0.remove(0);
        assert_ne!(finding.rewrite.is_some(), finding.hint.is_some());
        finding.hint
    }

    #[test]
    fn a_rewrite_is_offered_only_where_the_markup_stays_what_it_is() {
        assert_eq!(offered("Hi {{ a }} there", "there", "you"), None);
        assert!(offered("Hi { a { b", " a ", "").unwrap().contains("braces"));
        assert!(offered("{% raw %}{{ a }} b{% endraw %}", "b", "c").unwrap().contains("braces"));
        assert!(offered("Hi {{ a }} there", "Hi {{ a }}", "x").unwrap().contains("markup stands between"));
        assert!(offered("Hi there", "there", "{{ b }}").unwrap().contains("look like markup"));
        assert!(offered("{% # it's a %}don’t go", "go", "stay").unwrap().contains("quote"));
        assert_eq!(offered("{% comment %}it's a{% endcomment %}{{ 'b' }}do go", "go", "stay"), None);
    }

    #[test]
    fn of_rewrites_that_overlap_the_first_rule_stays() {
        let template = Template::parse("one two three").unwrap();
        let draft = |rule, start, end| Draft {
            rule,
            span: Span::new(start, end),
            message: String::new(),
            remedy: Remedy::Rewrite("x".to_owned()),
        };
        let drafts = vec![
            draft(Rule::Spelling, 4, 7),
            draft(Rule::WordyPhrase, 0, 7),
            draft(Rule::Grammar, 6, 9),
            draft(Rule::Grammar, 7, 9),
            draft(Rule::MissingGreeting, 0, 0),
            draft(Rule::MissingClosing, 13, 13),
            draft(Rule::MissingNextStep, 13, 13),
        ];
        let rules: Vec<Rule> = findings(&template, drafts).0.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(
            rules,
            [Rule::MissingGreeting, Rule::WordyPhrase, Rule::Grammar, Rule::MissingNextStep, Rule::MissingClosing]
        );
    }

    #[test]
    fn an_excerpt_shows_some_words_around_and_cuts_no_character() {
        let source = "Ж".repeat(100);
        let shown = excerpt(&source, Span::new(100, 104), "ый");
        assert_eq!(shown, format!("…{}ый{}…", "Ж".repeat(30), "Ж".repeat(30)));
        assert_eq!(excerpt("ab", Span::new(1, 1), "-"), "a-b");
    }
}
