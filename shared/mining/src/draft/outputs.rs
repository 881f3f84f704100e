//! What templates put in their text, as characters that stand in for it while sentences are compared.

use std::collections::{BTreeMap, BTreeSet};

use romashka_liquid::Template;

use crate::recognise::PLACEHOLDERS;

/// The characters that stand in: those of the first supplementary plane for private use, which texts do not have.
const STAND_INS: std::ops::RangeInclusive<u32> = 0xf_0000..=0xf_fffd;
/// Stands where a tag is, and what the tag decides on.
pub(crate) const CUT: char = '\u{10fffd}';
/// Bytes of an output's expression; what a longer one does is not for a draft.
const MAX_EXPRESSION_BYTES: usize = 256;
/// Tags with a body of their own.
const BLOCKS: [&str; 7] = ["if", "unless", "case", "for", "capture", "comment", "raw"];

/// The outputs that were met, each by the character that stands in for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outputs {
    expressions: Vec<String>,
    places: BTreeMap<String, u32>,
}

impl Outputs {
    /// The text of a template with stand-ins; `None` for a source that does not parse.
    ///
    /// Tags decide whether a sentence is said at all: they, and what stands between a tag and its end, become [`CUT`], and
    /// so does an output that depends on what a tag assigned.
    pub fn read(&mut self, source: &str) -> Option<String> {
        let template = Template::parse(source).ok()?;
        let known: BTreeSet<String> = template.variables().into_iter().map(|variable| variable.name).collect();
        let mut text = String::new();
        let mut rest = source;
        while let Some(start) = opening(rest) {
            text.push_str(&without_stand_ins(&rest[..start]));
            let is_output = rest[start..].starts_with("{{");
            let (inside, after) = markup(&rest[start + 2..], if is_output { "}}" } else { "%}" })?;
            rest = after;
            if is_output {
                self.put(inside, &known, &mut text);
                continue;
            }
            let word = first_word(inside);
            if BLOCKS.contains(&word) {
                rest = after_block(word, after)?;
                text.push(CUT);
            }
        }
        text.push_str(&without_stand_ins(rest));
        Some(text)
    }

    fn put(&mut self, expression: &str, known: &BTreeSet<String>, text: &mut String) {
        // Redaction's placeholders are known in replies, too.
        if PLACEHOLDERS.contains(&expression) {
            text.push_str(&format!("{{{{ {expression} }}}}"));
            return;
        }
        let alone = Template::parse(&written(expression)).ok();
        let is_short = expression.len() <= MAX_EXPRESSION_BYTES;
        let is_given =
            is_short && alone.is_some_and(|alone| alone.variables().iter().all(|used| known.contains(&used.name)));
        text.push(if is_given { self.stand_in(expression).unwrap_or(CUT) } else { CUT });
    }

    fn stand_in(&mut self, expression: &str) -> Option<char> {
        let next = STAND_INS.start() + u32::try_from(self.expressions.len()).ok()?;
        let place = *self.places.entry(expression.to_owned()).or_insert_with(|| {
            self.expressions.push(expression.to_owned());
            next
        });
        char::from_u32(place).filter(|_| STAND_INS.contains(&place))
    }

    /// What a text is the stand-in for: `customer.name | default: "there"`.
    pub fn expression(&self, text: &str) -> Option<&str> {
        let mut chars = text.chars();
        let (Some(char), None) = (chars.next(), chars.next()) else { return None };
        let place = u32::from(char).checked_sub(*STAND_INS.start())?;
        self.expressions.get(usize::try_from(place).ok()?).map(String::as_str)
    }

    /// A text with the names of variables in the place of stand-ins, for those who read it.
    pub fn prose(&self, text: &str) -> String {
        let mut prose = String::with_capacity(text.len());
        for char in text.chars() {
            match self.expression(char.encode_utf8(&mut [0; 4])) {
                Some(expression) => {
                    let name = expression.split('|').next().unwrap_or_default().trim();
                    prose.push_str(&name.replace(['.', '_'], " "));
                }
                None => prose.push(char),
            }
        }
        prose
    }
}

/// An expression as an output.
pub(crate) fn written(expression: &str) -> String {
    format!("{{{{ {expression} }}}}")
}

/// Whether a text begins with a character that stands in.
pub(crate) fn is_stand_in(text: &str) -> bool {
    text.chars().next().is_some_and(|char| STAND_INS.contains(&u32::from(char)))
}

/// A text without the characters that stand in.
pub(crate) fn without_stand_ins(text: &str) -> String {
    text.chars().filter(|char| !STAND_INS.contains(&u32::from(*char)) && *char != CUT).collect()
}

/// Where the next markup opens.
fn opening(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(1)).find(|at| bytes[*at] == b'{' && matches!(bytes[at + 1], b'{' | b'%'))
}

/// What stands inside of markup whose opening has been read, and what comes after it.
fn markup<'source>(rest: &'source str, close: &str) -> Option<(&'source str, &'source str)> {
    let mut quote = None;
    for (at, char) in rest.char_indices() {
        match quote {
            Some(open) if char == open => quote = None,
            Some(_) => {}
            None if matches!(char, '\'' | '"') => quote = Some(char),
            None if rest[at..].starts_with(close) => {
                let inside = rest[..at].strip_prefix('-').unwrap_or(&rest[..at]);
                let inside = inside.strip_suffix('-').unwrap_or(inside);
                return Some((inside.trim(), &rest[at + close.len()..]));
            }
            None => {}
        }
    }
    None
}

fn first_word(tag: &str) -> &str {
    tag.split_whitespace().next().unwrap_or_default()
}

/// What comes after the end of a block that has been opened.
fn after_block<'source>(word: &str, mut rest: &'source str) -> Option<&'source str> {
    let is_read = !matches!(word, "raw" | "comment");
    let mut open = vec![word.to_owned()];
    while let Some(last) = open.last() {
        let start = rest.find("{%")?;
        let inside_at = &rest[start + 2..];
        let Some((inside, after)) = markup(inside_at, "%}") else {
            rest = inside_at;
            continue;
        };
        let word = first_word(inside);
        if word.strip_prefix("end") == Some(last.as_str()) {
            open.pop();
            rest = after;
        } else if is_read && BLOCKS.contains(&word) {
            if matches!(word, "raw" | "comment") {
                rest = after_block(word, after)?;
            } else {
                open.push(word.to_owned());
                rest = after;
            }
        } else {
            rest = if is_read { after } else { inside_at };
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_stand_in_and_tags_cut() {
        let mut outputs = Outputs::default();
        let source = "Hi {{ name | default: \"}}\" }}, {% if late %}sorry {{ x }}{% else %}{% raw %}{% if %}{% endraw %}{% endif %} \
                      {%- assign y = 1 -%}{{ y }} {{- name -}} {{ customer.name }}.";
        let text = outputs.read(source).unwrap();
        let shown: String = text.chars().map(|char| if is_stand_in(&char.to_string()) { '_' } else { char }).collect();
        assert_eq!(shown, format!("Hi _, {CUT} {CUT} _ {{{{ customer.name }}}}."));
        assert_eq!(outputs.expressions, ["name | default: \"}}\"", "name"]);
        assert_eq!(outputs.prose(&text[..7]), "Hi name");
        assert_eq!(outputs.read("{{ a"), None);
    }
}
