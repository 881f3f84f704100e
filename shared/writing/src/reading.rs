//! A template as its readers see it.
//!
//! A template with branches is several texts: nobody reads the words of an `if` and of its `else` one after the other.
//! It is read as many times as it takes for each branch to be seen in its sentence, and every byte of a reading knows
//! where in the source it stands, or that it stands for a value.

use std::collections::HashSet;
use std::ops::Range;

use romashka_liquid::{Piece, Span, Template};

use crate::Format;
use crate::html::{Html, Stretch};
use crate::words::{Sentence, Token, sentences, tokens};

/// Readings of a template. Branches beyond are read on their own.
pub(crate) const MAX_READINGS: usize = 8;
/// Bytes of all readings but the first.
const MAX_BYTES: usize = 4 * romashka_liquid::MAX_SOURCE_BYTES;

/// One text that a template may become, with words for its values.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) sentences: Vec<Sentence>,
    runs: Vec<Run>,
}

/// A stretch of a reading.
#[derive(Debug)]
struct Run {
    /// Its bytes in the reading.
    at: Range<usize>,
    /// Where it begins in the source; for a value, where its markup stands.
    source: usize,
    kind: Shown,
}

/// What shows a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Words that are shown in any case.
    Always,
    /// Words of a branch or a loop.
    Sometimes,
    /// A value.
    Value,
}

impl Reading {
    fn of(runs: Runs) -> Self {
        let tokens = tokens(&runs.text);
        let sentences = sentences(&runs.text, &tokens);
        Self { text: runs.text, tokens, sentences, runs: runs.runs }
    }

    fn run(&self, at: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.at.end <= at);
        self.runs.get(after)
    }

    /// Where a stretch stands in the source, if all of it is the template's own words and stands in one piece.
    pub(crate) fn own(&self, at: Range<usize>) -> Option<Span> {
        let run = self.run(at.start)?;
        let is_inside = run.at.start <= at.start && at.start < at.end && at.end <= run.at.end;
        (is_inside && run.kind != Shown::Value)
            .then(|| Span::new(run.source + at.start - run.at.start, run.source + at.end - run.at.start))
    }

    /// Where a stretch stands in the source, or its first part does.
    pub(crate) fn place(&self, at: usize) -> usize {
        match self.run(at) {
            Some(run) if run.kind == Shown::Value => run.source,
            Some(run) => run.source + at.saturating_sub(run.at.start),
            None => self.runs.last().map_or(0, |run| run.source),
        }
    }

    /// Where in the source something may be put in before a byte of the reading, if what stands there is shown always.
    pub(crate) fn before(&self, at: usize) -> Option<usize> {
        let run = self.run(at)?;
        (run.kind == Shown::Always && run.at.start <= at).then(|| run.source + at - run.at.start)
    }

    /// Whether a byte stands for a value.
    pub(crate) fn is_value(&self, at: usize) -> bool {
        self.run(at).is_some_and(|run| run.kind == Shown::Value)
    }
}

/// The readings of a template.
#[derive(Debug)]
pub(crate) struct Readings {
    /// With every branch seen once at least, as far as there are so many.
    pub(crate) whole: Vec<Reading>,
    /// What stands in none of them: captures, and branches beyond the last reading. Each part is a paragraph.
    pub(crate) rest: Option<Reading>,
}

impl Readings {
    pub(crate) fn of(template: &Template, format: Format) -> Self {
        let pieces = template.pieces();
        let source = template.source();
        let mut whole = Vec::new();
        let (mut seen, mut bytes) = (HashSet::new(), 0);
        for reading in 0..ways(&pieces).min(MAX_READINGS) {
            if bytes > MAX_BYTES {
                break;
            }
            let mut runs = Runs::of(format);
            runs.read(source, &pieces, reading, Shown::Always);
            seen.extend(runs.pieces.iter().copied());
            bytes += runs.text.len();
            whole.push(Reading::of(runs));
        }
        let mut rest = Runs::of(format);
        rest.unseen(source, &pieces, &seen);
        let rest = (!rest.runs.is_empty()).then(|| Reading::of(rest));
        Self { whole, rest }
    }

    /// The longest of those that are whole: the most that a customer may get.
    pub(crate) fn longest(&self) -> Option<&Reading> {
        self.whole.iter().rev().max_by_key(|reading| reading.tokens.len())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Reading> {
        self.whole.iter().chain(&self.rest)
    }
}

/// How many readings it takes to see each branch once.
fn ways(pieces: &[Piece]) -> usize {
    let each = pieces.iter().map(|piece| match piece {
        Piece::Text(_) | Piece::Value { .. } | Piece::Aside(_) => 1,
        Piece::Loop(body) => ways(body),
        Piece::Choice(parts) => parts.iter().map(|part| ways(part)).sum(),
    });
    each.max().unwrap_or(1).max(1)
}

#[derive(Debug, Default)]
struct Runs {
    text: String,
    runs: Vec<Run>,
    /// Where the pieces stand that were read.
    pieces: Vec<usize>,
    /// What is seen of the words, where they are HTML.
    html: Option<Html>,
}

impl Runs {
    fn of(format: Format) -> Self {
        Self { html: (format == Format::Html).then(Html::default), ..Self::default() }
    }

    fn words(&mut self, words: &str, source: usize, kind: Shown) {
        let Some(html) = &mut self.html else { return self.push(words, source, kind) };
        for stretch in html.stretches(words) {
            match stretch {
                Stretch::Words(at) => self.push(&words[at.clone()], source + at.start, kind),
                Stretch::Seen(at, seen) => self.push(&seen, source + at, Shown::Value),
            }
        }
    }

    fn value(&mut self, words: &str, source: usize) {
        if self.html.as_ref().is_none_or(Html::shows) {
            self.push(words, source, Shown::Value);
        }
    }

    fn push(&mut self, words: &str, source: usize, kind: Shown) {
        if words.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(words);
        self.runs.push(Run { at: start..self.text.len(), source, kind });
    }

    fn read(&mut self, source: &str, pieces: &[Piece], reading: usize, kind: Shown) {
        for piece in pieces {
            match piece {
                Piece::Text(span) => {
                    self.pieces.push(span.start);
                    self.words(span.of(source), span.start, kind);
                }
                Piece::Value { span, words } => {
                    self.pieces.push(span.start);
                    self.value(words, span.start);
                }
                Piece::Loop(body) => self.read(source, body, reading, Shown::Sometimes),
                Piece::Aside(_) => {}
                Piece::Choice(parts) => {
                    let (part, reading) = chosen(parts, reading);
                    self.read(source, part, reading, Shown::Sometimes);
                }
            }
        }
    }

    /// What no reading has shown, one paragraph for each part.
    fn unseen(&mut self, source: &str, pieces: &[Piece], seen: &HashSet<usize>) {
        for piece in pieces {
            match piece {
                Piece::Text(span) if !seen.contains(&span.start) => {
                    self.words(span.of(source), span.start, Shown::Sometimes)
                }
                Piece::Value { span, words } if !seen.contains(&span.start) => self.value(words, span.start),
                Piece::Text(_) | Piece::Value { .. } => {}
                Piece::Loop(body) => self.unseen(source, body, seen),
                Piece::Aside(body) => self.part(source, body, seen),
                Piece::Choice(parts) => parts.iter().for_each(|part| self.part(source, part, seen)),
            }
        }
    }

    fn part(&mut self, source: &str, pieces: &[Piece], seen: &HashSet<usize>) {
        self.unseen(source, pieces, seen);
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push_str("\n\n");
        }
    }
}

/// The part that a reading shows, and which reading of that part it is. A choice that has been read through is read as
/// it was at first.
fn chosen(parts: &[Vec<Piece>], reading: usize) -> (&[Piece], usize) {
    let mut left = reading;
    for part in parts {
        let ways = ways(part);
        if left < ways {
            return (part, left);
        }
        left -= ways;
    }
    (parts.first().map_or(&[], Vec::as_slice), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> (Vec<String>, Option<String>) {
        let readings = Readings::of(&Template::parse(source).unwrap(), Format::Text);
        (readings.whole.into_iter().map(|one| one.text).collect(), readings.rest.map(|one| one.text))
    }

    #[test]
    fn each_branch_is_read_in_its_sentence_and_never_beside_another() {
        let (whole, rest) = read("In {% if a %}one day{% else %}{{ n }} days{% endif %}{% if b %} or two{% endif %}.");
        assert_eq!(whole, ["In one day or two.", "In n days."]);
        assert_eq!(rest, None);
        let (whole, _) = read("{% if a %}A{% if b %}B{% elsif c %}C{% endif %}{% else %}D{% endif %}!");
        assert_eq!(whole, ["AB!", "AC!", "A!", "D!"]);
        assert_eq!(read("{% for x in list %}{{ x }}, {% else %}none{% endfor %}").0, ["x, ", "none"]);
    }

    #[test]
    fn what_no_reading_shows_is_read_on_its_own() {
        let arms: String = (0..20).map(|at| format!("{{% when {at} %}}arm {at}")).collect();
        let (whole, rest) =
            read(&format!("{{% capture c %}}aside{{% endcapture %}}{{% case x %}}{arms}{{% endcase %}}"));
        assert_eq!(whole.len(), MAX_READINGS);
        let rest = rest.unwrap();
        assert!(rest.starts_with("aside\n\narm 8\n\narm 9\n\n") && rest.contains("arm 19"), "{rest}");
        assert_eq!(read("").0, [""]);
    }

    #[test]
    fn own_words_know_their_place_and_values_have_none() {
        let source = "Hi {{ name }}, {% if a %}ok{% endif %} bye";
        let readings = Readings::of(&Template::parse(source).unwrap(), Format::Text);
        let reading = &readings.whole[0];
        assert_eq!(reading.text, "Hi name, ok bye");
        let own = |at: Range<usize>| reading.own(at).map(|span| span.of(source));
        assert_eq!(own(0..2), Some("Hi"));
        assert_eq!(own(3..7), None);
        assert_eq!(own(2..4), None);
        assert_eq!(own(9..11), Some("ok"));
        assert_eq!(reading.before(12), source.find("bye"));
        assert_eq!((reading.before(9), reading.before(3)), (None, None));
        assert_eq!(reading.place(3), source.find("name").unwrap());
    }
}
