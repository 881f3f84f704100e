//! Where in a template something stands.

use std::ops::Range;

use serde::Serialize;
use utoipa::ToSchema;

/// A stretch of a template's source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Span {
    /// From one byte up to another.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From the beginning of this to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }

    /// What stands there.
    #[must_use]
    pub fn of(self, source: &str) -> &str {
        source.get(Range::from(self)).unwrap_or_default()
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start..span.end
    }
}

/// Where a person finds it: both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = TemplatePlace)]
pub struct Place {
    /// The line, from 1.
    #[schema(minimum = 1)]
    pub line: usize,
    /// The character of the line, from 1.
    #[schema(minimum = 1)]
    pub column: usize,
}

impl Place {
    /// The place of a byte of a source.
    #[must_use]
    pub fn of(source: &str, byte: usize) -> Self {
        let mut end = byte.min(source.len());
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let before = &source[..end];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line..].chars().count() + 1 }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_newlines() {
        let source = "Привет,\n{{ имя }}";
        let at = source.find("имя").unwrap();
        assert_eq!(Place::of(source, at), Place { line: 2, column: 4 });
        assert_eq!(Place::of(source, 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of(source, usize::MAX), Place { line: 2, column: 10 });
    }
}
