//! What readers see of HTML: the words between its tags.
//!
//! It is read as browsers do as far as words go: tags, comments, style sheets and scripts are not seen; a tag that
//! begins a block begins a paragraph; white space with a line break in it is a space; a character reference is a
//! character. A tag may go on behind a value, as in `<a href="{{ link }}">`, so what was open stays open.

use std::ops::Range;

/// Tags that begin or end a paragraph.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "blockquote",
    "body",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "hr",
    "li",
    "ol",
    "p",
    "table",
    "tr",
    "ul",
];
/// Tags whose content is not words.
const HIDDEN: [&str; 4] = ["style", "script", "title", "template"];
/// Bytes of a character reference: the longest name is `&CounterClockwiseContourIntegral;`.
const MAX_REFERENCE_BYTES: usize = 33;

/// Where reading stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    /// Between tags.
    #[default]
    Words,
    /// Inside a tag of this name, and inside quotes where there are some.
    Tag { name: String, quote: Option<char> },
    /// Inside a comment.
    Comment,
    /// Inside what this tag hides.
    Hidden(&'static str),
}

/// A stretch of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Words, as they stand.
    Words(Range<usize>),
    /// What is seen in the place of something at this byte.
    Seen(usize, String),
}

/// Reads HTML, one run of text after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Html {
    state: State,
}

impl Html {
    /// Whether a value that stands here is seen.
    pub(crate) fn shows(&self) -> bool {
        self.state == State::Words
    }

    /// The next run of text.
    pub(crate) fn stretches(&mut self, text: &str) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            at += match &mut self.state {
                State::Words => self.words(rest, at, &mut stretches),
                State::Comment => {
                    let end = rest.find("-->").map(|end| end + 3);
                    self.leave(end, rest)
                }
                State::Hidden(name) => {
                    let close = format!("</{name}");
                    let end = find_ignoring_case(rest, &close);
                    if let Some(end) = end {
                        self.state = State::Tag { name: String::new(), quote: None };
                        end + close.len()
                    } else {
                        rest.len()
                    }
                }
                State::Tag { .. } => self.tag(rest, at, &mut stretches),
            };
        }
        stretches
    }

    fn leave(&mut self, end: Option<usize>, rest: &str) -> usize {
        if end.is_some() {
            self.state = State::Words;
        }
        end.unwrap_or(rest.len())
    }

    /// Takes one thing that stands between tags.
    fn words(&mut self, rest: &str, at: usize, stretches: &mut Vec<Stretch>) -> usize {
        if rest.starts_with("<!--") {
            self.state = State::Comment;
            return 4;
        }
        if let Some(name) = tag(rest) {
            self.state = State::Tag { name: name.trim_start_matches('/').to_ascii_lowercase(), quote: None };
            return 1 + name.len();
        }
        if let Some((bytes, seen)) = reference(rest) {
            stretches.push(Stretch::Seen(at, seen));
            return bytes;
        }
        let white = rest.len() - rest.trim_start().len();
        if rest[..white].contains('\n') {
            stretches.push(Stretch::Seen(at, " ".to_owned()));
            return white;
        }
        let end = words_end(rest);
        stretches.push(Stretch::Words(at..at + end));
        end
    }

    /// Goes on inside a tag.
    fn tag(&mut self, rest: &str, at: usize, stretches: &mut Vec<Stretch>) -> usize {
        let State::Tag { name, quote } = &mut self.state else { return rest.len() };
        for (place, char) in rest.char_indices() {
            match quote {
                Some(open) if *open == char => *quote = None,
                Some(_) => {}
                None if matches!(char, '"' | '\'') => *quote = Some(char),
                None if char == '>' => {
                    if BLOCKS.contains(&&**name) {
                        stretches.push(Stretch::Seen(at + place, "\n\n".to_owned()));
                    }
                    let hides = HIDDEN.iter().find(|hidden| *hidden == name);
                    self.state = hides.map_or(State::Words, |hidden| State::Hidden(hidden));
                    return place + 1;
                }
                None => {}
            }
        }
        rest.len()
    }
}

/// The name of the tag that begins here, with the `/` of one that ends something.
fn tag(text: &str) -> Option<&str> {
    let name = text.strip_prefix('<')?;
    let letters = name.strip_prefix(['/', '!', '?']).unwrap_or(name);
    letters.starts_with(|char: char| char.is_ascii_alphabetic()).then_some(())?;
    let end = letters.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(letters.len());
    Some(&name[..name.len() - letters.len() + end])
}

/// The character reference that begins here: its bytes, and what is seen of it.
fn reference(text: &str) -> Option<(usize, String)> {
    let name = text.strip_prefix('&')?;
    let end = name.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';')?;
    let name = &name[..end];
    let seen = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" | "ldquo" | "rdquo" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" => ' ',
        "ndash" | "mdash" => '–',
        "hellip" => '…',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "euro" => '€',
        _ => numbered(name)?,
    };
    Some((end + 2, seen.to_string()))
}

fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    char::from_u32(number.ok()?).filter(|char| !char.is_control())
}

/// Where words end that begin here: before the next `<`, `&` or white space with a line break.
fn words_end(text: &str) -> usize {
    let mut white = None;
    for (at, char) in text.char_indices() {
        if at > 0 && matches!(char, '<' | '&') {
            return at;
        }
        if char == '\n' {
            return white.unwrap_or(at);
        }
        white = if char.is_whitespace() { white.or(Some(at)) } else { None };
    }
    text.len()
}

fn find_ignoring_case(text: &str, lower: &str) -> Option<usize> {
    text.as_bytes().windows(lower.len()).position(|window| window.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(runs: &[&str]) -> String {
        let mut html = Html::default();
        let mut text = String::new();
        for run in runs {
            for stretch in html.stretches(run) {
                match stretch {
                    Stretch::Words(at) => text.push_str(&run[at]),
                    Stretch::Seen(_, seen) => text.push_str(&seen),
                }
            }
        }
        text
    }

    #[test]
    fn tags_are_not_seen_and_blocks_are_paragraphs() {
        assert_eq!(
            seen(&["<p>Hello <b>you</b>,</p><p>all is &lt;well&gt;.<br>Bye"]),
            "\n\nHello you,\n\n\n\nall is <well>.\n\nBye"
        );
        assert_eq!(seen(&["one\n   two"]), "one two");
        assert_eq!(seen(&["a<!-- no <p> -->b<STYLE>p { color: red }</Style>c"]), "abc");
        assert_eq!(seen(&["1 < 2 & 3 &unknown; &#39;&#x263A;"]), "1 < 2 & 3 &unknown; '☺");
    }

    #[test]
    fn a_tag_goes_on_behind_a_value() {
        let mut html = Html::default();
        assert_eq!(html.stretches("See <a title='x>y' href=\""), [Stretch::Words(0..4)]);
        assert!(!html.shows());
        assert_eq!(html.stretches("\">this</a>."), [Stretch::Words(2..6), Stretch::Words(10..11)]);
        assert!(html.shows());
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end_whatever_runs_it_comes_in(
            runs in prop::collection::vec("(<|>|/|p|style|<!--|-->|&|;|amp|#x|\"|'|\n| |ä|x){0,12}", 0..5),
        ) {
            let mut html = Html::default();
            for run in &runs {
                let mut last = 0;
                for stretch in html.stretches(run) {
                    if let Stretch::Words(at) = stretch {
                        prop_assert!(last <= at.start && at.start < at.end && at.end <= run.len());
                        prop_assert!(run.is_char_boundary(at.start) && run.is_char_boundary(at.end));
                        last = at.end;
                    }
                }
            }
        }
    }
}
