//! The words of a template told from its markup.

use crate::place::Span;

/// What a template is made of before anybody looks into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words.
    Text(Span),
    /// What stands between `{{` and `}}`.
    Output { inside: Span, whole: Span },
    /// What stands between `{%` and `%}`.
    Tag { inside: Span, whole: Span },
    /// Markup that is opened and never closed: where it was opened.
    Unclosed(Span),
}

/// Goes through a template piece by piece.
pub(super) struct Pieces<'source> {
    source: &'source str,
    at: usize,
    /// The markup before ended with a `-`: white space that follows is not shown.
    trims: bool,
    /// Whether quotes are looked at: no longer, once they hid every end that there was.
    has_quotes: bool,
}

impl<'source> Pieces<'source> {
    pub(super) fn of(source: &'source str) -> Self {
        Self { source, at: 0, trims: false, has_quotes: true }
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        let rest = &self.source[self.at..];
        if rest.is_empty() {
            return None;
        }
        let opening = opening(rest);
        if opening != Some(0) {
            let end = self.at + opening.unwrap_or(rest.len());
            let span = self.shown(Span::new(self.at, end));
            self.at = end;
            return Some(Piece::Text(span));
        }
        let is_tag = rest.starts_with("{%");
        let inside = self.at + 2;
        let Some(length) = self.closing(inside, if is_tag { "%}" } else { "}}" }) else {
            let whole = Span::new(self.at, inside);
            self.at = self.source.len();
            return Some(Piece::Unclosed(whole));
        };
        let (end, whole) = (inside + length, Span::new(self.at, inside + length + 2));
        self.at = whole.end;
        let markup = &self.source[inside..end];
        let before = usize::from(markup.starts_with('-'));
        let after = usize::from(markup.len() > before && markup.ends_with('-'));
        self.trims = after > 0;
        let inside = Span::new(inside + before, end - after);
        Some(if is_tag { Piece::Tag { inside, whole } } else { Piece::Output { inside, whole } })
    }

    fn closing(&mut self, from: usize, end: &str) -> Option<usize> {
        let rest = &self.source[from..];
        let closing = if self.has_quotes { closing(rest, end) } else { None };
        closing.or_else(|| {
            // A quote that was not meant as one may have hidden the end.
            self.has_quotes = false;
            rest.find(end)
        })
    }

    /// The words up to `{% endraw %}`, shown as they stand, or what a comment holds; `None` where that tag never comes.
    pub(super) fn up_to(&mut self, end: &str) -> Option<Span> {
        let start = self.at;
        let mut from = start;
        // Where markup closes next; looked for again only once it is passed, or openings without an end take squared time.
        let mut closed = start;
        while let Some(found) = self.source[from..].find("{%") {
            let opened = from + found;
            let inside = opened + 2;
            if closed < inside {
                let Some(length) = self.source[inside..].find("%}") else { break };
                closed = inside + length;
            }
            let markup = &self.source[inside..closed];
            if markup.trim_matches('-').trim() == end {
                self.at = closed + 2;
                let words = self.shown(Span::new(start, opened));
                self.trims = markup.ends_with('-');
                return Some(if markup.starts_with('-') { trimmed_end(self.source, words) } else { words });
            }
            from = inside;
        }
        self.at = self.source.len();
        None
    }

    /// Words without the white space that the markup around them takes away.
    fn shown(&mut self, words: Span) -> Span {
        let mut shown = words;
        if std::mem::take(&mut self.trims) {
            let text = words.of(self.source);
            shown.start += text.len() - text.trim_start().len();
        }
        let next = &self.source[words.end..];
        if next.starts_with("{{-") || next.starts_with("{%-") { trimmed_end(self.source, shown) } else { shown }
    }
}

fn trimmed_end(source: &str, words: Span) -> Span {
    Span::new(words.start, words.start + words.of(source).trim_end().len())
}

/// Where the next markup opens.
fn opening(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find('{') {
        let at = from + found;
        if matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%')) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Where the markup closes. What stands in quotes closes nothing; a quote that is alone on its line is none.
fn closing(text: &str, end: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                let mut line = bytes[at + 1..].iter().take_while(|byte| **byte != b'\n');
                at += line.position(|byte| *byte == quote).map_or(1, |length| length + 2);
            }
            _ if bytes[at..].starts_with(end.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(source: &str) -> Vec<String> {
        let mut pieces = Pieces::of(source);
        std::iter::from_fn(|| pieces.next())
            .map(|piece| match piece {
                Piece::Text(span) => format!("text {:?}", span.of(source)),
                Piece::Output { inside, .. } => format!("output {:?}", inside.of(source)),
                Piece::Tag { inside, .. } => format!("tag {:?}", inside.of(source)),
                Piece::Unclosed(span) => format!("unclosed at {}", span.start),
            })
            .collect()
    }

    #[test]
    fn words_and_markup_are_told_apart() {
        assert_eq!(
            pieces("a { b }{{ c }}\n{%- if d -%} e"),
            ["text \"a { b }\"", "output \" c \"", "text \"\"", "tag \" if d \"", "text \"e\""]
        );
        assert_eq!(pieces("{{ \"}}\" | append: '%}' }}."), ["output \" \\\"}}\\\" | append: '%}' \"", "text \".\""]);
        assert_eq!(pieces("{{ customer's }} it's"), ["output \" customer's \"", "text \" it's\""]);
        assert_eq!(pieces("a {{ b"), ["text \"a \"", "unclosed at 2"]);
        assert_eq!(pieces("{{-}}{{--}}"), ["output \"\"", "output \"\""]);
    }

    #[test]
    fn what_is_raw_goes_up_to_its_end() {
        let up_to = |source: &'static str| Pieces::of(source).up_to("endraw").map(|words| words.of(source));
        assert_eq!(up_to("{{ a }} {%- endraw -%} b"), Some("{{ a }}"));
        assert_eq!(up_to("{%}{% if %}{% endraw %}"), Some("{%}{% if %}"));
        assert_eq!(up_to("{% endraw"), None);
        assert_eq!(up_to("{%}"), None);
    }
}
