//! What can be wrong with a template, told to the person who writes it: what, where, and how to mend it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::place::{Place, Span};

/// The stable name of what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TemplateProblemCode)]
pub enum Code {
    /// The markup follows no rule of the language.
    Syntax,
    /// A block is never closed, or closed by something that does not belong to it.
    UnclosedBlock,
    /// A tag that the language does not have.
    UnknownTag,
    /// A filter that the language does not have.
    UnknownFilter,
    /// A filter is given too few arguments, too many, or one that it does not know.
    WrongArguments,
    /// The template is longer or nested deeper than allowed.
    TooLarge,
    /// A variable that nobody defined.
    UnknownVariable,
    /// A defined variable that the template never uses.
    UnusedVariable,
    /// A name that is assigned and never used.
    UnusedAssignment,
    /// A variable is used as what it is not.
    TypeClash,
    /// A value is compared with one that it can never have.
    ImpossibleValue,
    /// Nothing ever gets here.
    Unreachable,
    /// A value stands in two `when`s: both are shown.
    Repeated,
    /// In HTML: it does something by itself, or lets a value do so.
    Unsafe,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TemplateProblemSeverity)]
pub enum Severity {
    /// The template cannot be used.
    Error,
    /// It can, and will likely surprise.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TemplateProblem)]
pub struct Problem {
    /// Its stable name.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// A sentence for a person.
    pub message: String,
    /// What was likely meant, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// Where it begins.
    #[serde(flatten)]
    pub place: Place,
    /// Its bytes.
    #[serde(skip)]
    pub span: Span,
}

impl Problem {
    /// One that keeps a template from being used.
    pub fn error(source: &str, span: Span, code: Code, message: impl Into<String>) -> Self {
        Self::new(source, span, code, Severity::Error, message.into())
    }

    /// One that will likely surprise.
    pub fn warning(source: &str, span: Span, code: Code, message: impl Into<String>) -> Self {
        Self::new(source, span, code, Severity::Warning, message.into())
    }

    fn new(source: &str, span: Span, code: Code, severity: Severity, message: String) -> Self {
        Self { code, severity, message, suggestion: None, place: Place::of(source, span.start), span }
    }

    /// With what was likely meant, which the sentence then asks for too.
    pub(crate) fn meant(mut self, suggestion: Option<&str>) -> Self {
        if let Some(name) = suggestion {
            self.message.push_str(&format!("; did you mean `{name}`?"));
            self.suggestion = Some(name.to_owned());
        }
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// The known name that is most like this one, if it is like enough to be what was meant: a third of its letters may be
/// other ones, by the restricted Damerau–Levenshtein distance.
pub(crate) fn nearest<'name>(name: &str, known: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
    const MOST_CHARS: usize = 64;
    let length = name.chars().count();
    if length > MOST_CHARS {
        return None;
    }
    let name = name.to_lowercase();
    known
        .into_iter()
        .filter(|known| known.chars().count().abs_diff(length) <= length.div_ceil(3))
        .map(|known| (strsim::osa_distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= length.div_ceil(3))
        .min_by(|one, other| one.cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant_and_another_word_nothing() {
        let known = ["customer.name", "customer.email", "order.total"];
        assert_eq!(nearest("customer.nmae", known), Some("customer.name"));
        assert_eq!(nearest("Customer.Name", known), Some("customer.name"));
        assert_eq!(nearest("agent", known), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
    }
}
